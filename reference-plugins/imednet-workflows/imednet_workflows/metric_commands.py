"""`imednet workflows queries ...` and `... metrics ...`: what is counted over a whole study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imednet import ImednetSDK
from imednet.errors import ConfigurationError
from imednet.progress import Progress
from imednet_workflows.lookups import find_site
from imednet_workflows.terminal import configuration_in, moment_of, say, writing

if TYPE_CHECKING:
    import pandas as pd

    from imednet_workflows.frames import StudyFrames
    from imednet_workflows.metrics import Forecast

__all__ = ["TABLES", "Metrics", "Queries"]

#: What is read for queries, and what else for the other metrics.
QUERY_LISTS = ("records", "queries", "visits", "subjects", "sites", "forms", "intervals")
METRIC_LISTS = (*QUERY_LISTS, "record_revisions")


class Queries:
    """Queries: those open, of a site, by age."""

    def open(
        self,
        study: str,
        *,
        site: str | None = None,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """List the open queries, the longest open first.

        Args:
            study: the study's key
            site: only of this site, by name
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        self._list(study, site, "open", output, to)

    def by_site(
        self, study: str, site: str, *, output: str = "table", to: str | None = None
    ) -> None:
        """List all queries of a site, through its subjects.

        Args:
            study: the study's key
            site: the site's name
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        self._list(study, site, None, output, to)

    def ageing(
        self,
        study: str,
        *,
        by: str | None = None,
        asof: str | None = None,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Count the open queries by age.

        Args:
            study: the study's key
            by: a column of query-state, such as site_name or turn
            asof: the day to count at, as YYYY-MM-DD (now)
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        from imednet_workflows import metrics

        day = moment_of(asof)
        with writing(output, to) as put:
            frames = _frames(study, QUERY_LISTS)
            state = _with_site_names(metrics.query_state(frames, asof=day), frames)
            if by is not None and by not in state:
                has = ", ".join(state.columns)
                raise ConfigurationError(f"--by is {by!r}: queries can be grouped by {has}")
            put.frame(metrics.query_ageing(state, by=by))

    def _list(
        self, study: str, site: str | None, state: str | None, output: str, to: str | None
    ) -> None:
        from imednet_workflows import metrics

        with writing(output, to) as put:
            frames = _frames(study, QUERY_LISTS)
            found = _with_site_names(metrics.query_state(frames, asof=moment_of(None)), frames)
            if site is not None:
                found = found[found["site_id"] == _site_id(frames, site)]
            if state is not None:
                found = found[found["state"] == state]
            put.frame(found.sort_values("age_days", ascending=False, na_position="last"))


def _metric(name: str, table: Callable[..., Any], about: str) -> Callable[..., None]:
    """Make the command of one metric: all take the same flags."""

    def command(
        study: str,
        *,
        asof: str | None = None,
        config: str | None = None,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        from imednet_workflows import metrics

        configuration, day = configuration_in(config, study), moment_of(asof)
        with writing(output, to) as put:
            frames = _frames(study, METRIC_LISTS)
            found = table(metrics, frames, configuration, day)
            for unknown in found.attrs.get("unknown_targets", ()):
                say(f"targets: no site is called {unknown!r}, so that its target is left out")
            put.frame(_with_site_names(found, frames))

    command.__name__ = name
    command.__doc__ = f"""{about}

    Args:
        study: the study's key
        asof: the day to count at, as YYYY-MM-DD (now)
        config: a JSON file with a StudyConfiguration: what the study's words mean
        output: table, csv, json or jsonl
        to: a file, written whole or not at all
    """
    return command


#: Each metric's table: what it takes are the metrics, the frames, the configuration and asof.
TABLES: dict[str, tuple[Callable[..., Any], str]] = {
    "query_state": (
        lambda m, f, c, at: m.query_state(f, c, asof=at),
        "Each query's state, age, and whose turn it is.",
    ),
    "query_rates": (
        lambda m, f, c, at: m.query_rates(f, c, asof=at, by="site_id"),
        "Queries per 100 data points, record and subject, by site.",
    ),
    "query_flux": (
        lambda m, f, c, at: m.query_flux(f, c, asof=at),
        "Queries opened, closed and in backlog, week by week.",
    ),
    "time_to_resolve": (
        lambda m, f, c, at: m.time_to_resolve(m.query_state(f, c, asof=at), asof=at),
        "The Kaplan-Meier curve of the time to resolve a query.",
    ),
    "median_time_to_resolve": (
        lambda m, f, c, at: m.median_time_to_resolve(
            m.query_state(f, c, asof=at), asof=at, by="site_id"
        ),
        "The Kaplan-Meier median of days to resolve a query, by site.",
    ),
    "reopen_rate": (
        lambda m, f, c, at: m.reopen_rate(m.query_state(f, c, asof=at), by="site_id"),
        "Queries reopened, of those ever closed, by site.",
    ),
    "forecast": (
        lambda m, f, c, at: _forecast(m.forecast_enrolment(f, c, asof=at)),
        "When the targets (of --config) will be enrolled: days, as quantiles.",
    ),
    "enrolment_funnel": (
        lambda m, f, c, at: m.enrolment_funnel(f, c, asof=at),
        "Screened, enrolled and completed, by site.",
    ),
    "enrolment_curve": (
        lambda m, f, c, at: m.enrolment_curve(f, c, asof=at),
        "Subjects enrolled over time.",
    ),
    "visits": (
        lambda m, f, c, at: m.visit_status(f, c, asof=at),
        "Each visit: made, overdue, out of its window by how many days.",
    ),
    "missing_pages": (
        lambda m, f, c, at: m.missing_pages(m.expected_pages(f, c, asof=at)),
        "Pages that are due and have no record.",
    ),
    "completion": (
        lambda m, f, c, at: m.completion(m.expected_pages(f, c, asof=at), by="form_key"),
        "Pages complete, started, missing and not due, by form.",
    ),
    "completion_by_site": (
        lambda m, f, c, at: m.completion(m.expected_pages(f, c, asof=at), by="site_id"),
        "Pages complete, started, missing and not due, by site.",
    ),
    "completion_by_subject": (
        lambda m, f, c, at: m.completion(m.expected_pages(f, c, asof=at), by="subject_id"),
        "Pages complete, started, missing and not due, by subject.",
    ),
    "pages": (
        lambda m, f, c, at: m.expected_pages(f, c, asof=at),
        "Every page that is expected, and its state.",
    ),
    "entry_lag": (
        lambda m, f, c, at: m.entry_lag_summary(m.entry_lag(f, c, asof=at), by="site_id"),
        "Days from visit to entry, by site.",
    ),
    "sdv": (
        lambda m, f, c, at: m.sdv_progress(f, c, asof=at, by="site_id"),
        "Source data verified, by site.",
    ),
    "clean_subjects": (
        lambda m, f, c, at: m.clean_subjects(f, c, asof=at),
        "Which subjects are clean, and why the others are not.",
    ),
    "kris": (
        lambda m, f, c, at: m.kri_table(f, c, asof=at),
        "Key risk indicators by site, with scores and flags.",
    ),
    "kris_leave_one_out": (
        lambda m, f, c, at: m.kri_table(f, c, asof=at, method="leave_one_out"),
        "Key risk indicators, each site against the others only: for few sites.",
    ),
    "risk_scores": (
        lambda m, f, c, at: m.risk_scores(m.kri_table(f, c, asof=at)),
        "Each site's risk score and rank.",
    ),
    "kri_trend": (
        lambda m, f, c, at: m.kri_trend(f, c, asof=at),
        "The key risk indicators month by month.",
    ),
    "unknown_words": (
        lambda m, f, c, at: m.unknown_words(f, c),
        "Statuses that no configuration gives a meaning to.",
    ),
}


def _forecast(found: Forecast) -> pd.DataFrame:
    if found.reason:
        say(f"no forecast: {found.reason}")
    return found.days


class Metrics:
    """Study metrics, a table each."""

    def __init__(self) -> None:
        for name, (table, about) in TABLES.items():
            setattr(self, name, _metric(name, table, about))


def _frames(study: str, lists: tuple[str, ...]) -> StudyFrames:
    from imednet_workflows.frames import study_frames

    with ImednetSDK() as sdk, Progress() as progress:
        return study_frames(sdk, study, lists=lists, on_progress=progress.of)


def _with_site_names(table: pd.DataFrame, frames: StudyFrames) -> pd.DataFrame:
    """Return a table with `site_name` behind `site_id`, where it has the one and not the other."""
    if "site_id" not in table or "site_name" in table:
        return table
    names = frames.sites.set_index("site_id")["site_name"]
    named = table.copy()
    place = list(table.columns).index("site_id") + 1
    named.insert(place, "site_name", table["site_id"].map(names).astype("string"))
    return named


def _site_id(frames: StudyFrames, site: str) -> int | None:
    from imednet.models import Site

    pairs = zip(frames.sites["site_id"], frames.sites["site_name"].fillna(""), strict=True)
    return find_site([Site(site_id=i, site_name=name) for i, name in pairs], site).site_id
