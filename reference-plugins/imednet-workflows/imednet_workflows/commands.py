"""`imednet workflows ...`: the workflows on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from imednet import ImednetSDK
from imednet.errors import ConfigurationError
from imednet_workflows import Workflows
from imednet_workflows.data_extraction import AuditEvent
from imednet_workflows.lookups import find_form, find_site
from imednet_workflows.record_update import Change
from imednet_workflows.terminal import (
    Progress,
    configuration_in,
    day_of,
    many,
    moment_of,
    records_in,
    say,
    tell_sent,
    writing,
)

if TYPE_CHECKING:
    import pandas as pd

    from imednet_workflows.frames import StudyFrames
    from imednet_workflows.metrics import Forecast
    from imednet_workflows.study_structure import FormNode, StudyStructure
    from imednet_workflows.subject_data import SubjectData

__all__ = ["Commands"]


class Commands:
    """Extraction, audit trail, queries, metrics and safe writes for a study."""

    def __init__(self) -> None:
        self.queries = Queries()
        self.metrics = Metrics()

    def extract_records(
        self,
        study: str,
        *,
        form: str | None = None,
        visit: str | None = None,
        site: str | None = None,
        subject_status: str | None = None,
        labels: bool = False,
        blinded: bool = False,
        output: str = "csv",
        to: str | None = None,
    ) -> None:
        """Extract records with typed answers, one row a record and one column a question.

        Args:
            study: the study's key
            form: the form's key or name
            visit: the interval's name
            site: the site's name
            subject_status: only records of subjects with this status
            labels: name columns by the questions' labels
            blinded: blinded variables too
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, _sdk() as sdk, Progress() as progress:
            frame = Workflows(sdk).record_mapper.dataframe(
                study, form, visit, labels, site=site, include_blinded=blinded, on_progress=progress
            )
            failures = frame.attrs["cast_failures"]
            if subject_status is not None:
                wanted = sdk.subjects.list(study, subject_status=subject_status)
                frame = frame[frame["subject_id"].isin([s.subject_id for s in wanted])]
            put.frame(frame)
        shown = set(frame["record_id"])
        for failure in (each for each in failures if each["record"] in shown):
            say(f"record {failure['record']}: {failure['variable']} could not be read, left empty")

    def audit_trail(
        self,
        study: str,
        *,
        start: str | None = None,
        end: str | None = None,
        user: str | None = None,
        site: str | None = None,
        form: str | None = None,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """List the saved changes of records: who, when, what, why.

        Args:
            study: the study's key
            start: changes made on this day or later, as YYYY-MM-DD
            end: changes made up to this day, included
            user: the login of who saved them
            site: the site's name
            form: the form's key or name
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        first, last = day_of(start, "--start"), day_of(end, "--end")
        with writing(output, to) as put, _sdk() as sdk, Progress() as progress:
            conditions: dict[str, Any] = {}
            if form is not None:
                conditions["form_key"] = find_form(sdk.forms.list(study), form).form_key
            events = Workflows(sdk).data_extraction.extract_audit_trail(
                study, first, last, user, site=site, on_progress=progress, **conditions
            )
            put.events(events, AuditEvent)

    def subject(
        self, study: str, subject: str, *, output: str = "table", to: str | None = None
    ) -> None:
        """Show everything about a subject as one line of time.

        Args:
            study: the study's key
            subject: the subject's key
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, _sdk() as sdk:
            found = Workflows(sdk).subject_data.get_all_subject_data(study, subject)
            put(_timeline(found), TIMELINE)
        one = found.subject
        say(f"{one.subject_key} at {one.site_name}: {one.subject_status}")

    def structure(
        self,
        study: str,
        *,
        variables: bool = False,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Show the schedule: intervals, their forms, and with --variables the questions.

        Args:
            study: the study's key
            variables: a row for each question
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, _sdk() as sdk:
            put(_structure(Workflows(sdk).study_structure.get(study), variables))

    def profile(
        self,
        study: str,
        *,
        form: str | None = None,
        forms: bool = False,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Profile the answers: how often filled, what they look like, which are frequent.

        Args:
            study: the study's key
            form: only this form, by key or name
            forms: a row a form instead of a row a variable
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        from imednet_workflows.profiling import profile

        with writing(output, to) as put, _sdk() as sdk, Progress() as progress:
            conditions: dict[str, Any] = {}
            if form is not None:
                conditions["form_key"] = find_form(sdk.forms.list(study), form).form_key
            found = profile(
                sdk.records.iter(study, on_progress=progress, **conditions),
                sdk.forms.list(study, **conditions),
                sdk.variables.list(study, **conditions),
            )
            put.frame(found.forms if forms else found.variables)

    def register(
        self,
        study: str,
        file: str,
        *,
        form: str | None = None,
        dry_run: bool = False,
        batch_size: int = 100,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Register subjects from a file, and show the key that each was given.

        Args:
            study: the study's key
            file: .csv, .json or .jsonl with siteName or siteId, and the answers
            form: the registration form's key or name, where the file names none
            dry_run: check everything, send nothing
            batch_size: subjects a request
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        records = records_in(file)
        with writing(output, to) as put, _sdk() as sdk:
            workflows = Workflows(sdk)
            if dry_run:
                given = workflows.register_subjects.records(study, records, form=form)
                put.events(workflows.record_update.preview(study, given), Change)
                say(f"{many(len(given), 'subject')} would be registered; nothing was sent.")
                return
            register = workflows.register_subjects.register_subjects
            options: dict[str, Any] = {"batch_size": batch_size, "on_progress": tell_sent}
            failure = put.outcomes(
                lambda: register(study, records, form=form, verify=True, **options)
            )
        if failure is not None:
            raise failure

    def update(
        self,
        study: str,
        file: str,
        *,
        dry_run: bool = False,
        batch_size: int = 100,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Write records from a file: checked first, followed to the end, read back.

        Args:
            study: the study's key
            file: .csv, .json or .jsonl; see the documentation for its columns
            dry_run: show old and new of each value that would change, send nothing
            batch_size: records a request
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        records = records_in(file)
        with writing(output, to) as put, _sdk() as sdk:
            workflow = Workflows(sdk).record_update
            if dry_run:
                changes = workflow.preview(study, records)
                put.events(changes, Change)
                say(f"{many(len(changes), 'value')} would change; nothing was sent.")
                return
            write_all = workflow.create_or_update_records
            options: dict[str, Any] = {"batch_size": batch_size, "on_progress": tell_sent}
            failure = put.outcomes(lambda: write_all(study, records, verify=True, **options))
        if failure is not None:
            raise failure


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

        configuration, day = configuration_in(config), moment_of(asof)
        with writing(output, to) as put:
            frames = _frames(study, METRIC_LISTS)
            put.frame(_with_site_names(table(metrics, frames, configuration, day), frames))

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


# --- what the commands read -----------------------------------------------------------------------


def _sdk() -> ImednetSDK:
    return ImednetSDK()


#: What is read for queries, and what else for the other metrics.
QUERY_LISTS = ("records", "queries", "visits", "subjects", "sites", "forms", "intervals")
METRIC_LISTS = (*QUERY_LISTS, "record_revisions")


def _frames(study: str, lists: tuple[str, ...]) -> StudyFrames:
    from imednet_workflows.frames import study_frames

    with _sdk() as sdk, Progress() as progress:
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


TIMELINE = ("kind", "date", "what", "status", "user")


def _timeline(found: SubjectData) -> Iterator[dict[str, Any]]:
    """Yield all that happened to a subject, oldest first; what has no date comes last."""
    rows: list[tuple[Any, ...]] = [
        *(("visit", v.visit_date, v.interval_name, None, None) for v in found.visits),
        *(("record", r.date_created, r.form_key, r.record_status, None) for r in found.records),
        *(
            ("query", c.date, q.variable or q.description, c.annotation_status, c.user)
            for q in found.queries
            for c in q.query_comments or []
        ),
        *(
            ("change", r.date_created, r.form_key, r.reason_for_change, r.user)
            for r in found.record_revisions
        ),
    ]
    for row in sorted(rows, key=lambda row: str(row[1] or "9999")):
        yield dict(zip(TIMELINE, row, strict=True))


def _structure(found: StudyStructure, variables: bool) -> Iterator[dict[str, Any]]:
    placed: list[tuple[str | None, FormNode | None]] = []
    placed += [(i.interval.interval_name, node) for i in found.intervals for node in i.forms]
    placed += [("(unscheduled)", node) for node in found.unscheduled]
    placed += [(i.interval.interval_name, None) for i in found.intervals if not i.forms]
    for interval, node in placed:
        form = node.form if node else None
        row: dict[str, Any] = {
            "interval": interval,
            "form_key": form.form_key if form else None,
            "form_name": form.form_name if form else None,
        }
        if not variables:
            yield {**row, "variables": len(node.variables) if node else 0}
        for variable in node.variables if node and variables else []:
            yield {
                **row,
                "variable": variable.variable_name,
                "type": variable.variable_type,
                "label": variable.label,
                "blinded": variable.blinded,
                "disabled": variable.disabled,
            }
