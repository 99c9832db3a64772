"""Key risk indicators: counts by hand, weights, and the story that the simulator tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from imednet.models import KriConfig, StudyConfiguration
from imednet_workflows import metrics as m
from imednet_workflows.frames import StudyFrames

ASOF = date(2026, 3, 2)
Build = Callable[..., StudyFrames]
DIRTY, SILENT, CLOSED, WAITING = 3, 7, 11, 12


@pytest.fixture
def study(build: Build, query: Any, at: Callable[..., datetime]) -> StudyFrames:
    """Site 1 has all there is to count, site 2 one screening, site 3 nothing."""
    visits = [(1, 1, date(2026, 2, 1)), (2, 2, date(2026, 1, 20)), (3, 2, date(2026, 1, 10))]
    forms = {1: "VS", 2: "AE", 3: "DV", 4: "SAE"}
    records = [
        (1, 1, 1, at(2, 1)),  # entered on the day
        (2, 2, 1, at(1, 31)),  # 11 days after the visit of 20 January: late
        (3, 1, 2, at(2, 1)),
        (4, 1, 2, at(2, 1)),
        (5, 2, 3, at(2, 1)),
        (6, 1, 4, at(2, 1)),
        (7, 1, 2, at(3, 9)),  # later than asof
    ]
    return build(
        sites=[{"site_id": n, "site_name": f"Site {n}"} for n in (1, 2, 3)],
        subjects=[
            _subject(1, 1, "Enrolled", at(1, 1)),
            _subject(2, 1, "Withdrawn", at(1, 10)),
            _subject(3, 1, "Screen Failure", None),
            _subject(4, 1, "Completed", at(2, 1)),  # never seen: no exposure known
            _subject(5, 2, "Screening", None),
        ],
        forms=[{"form_id": n, "form_key": key} for n, key in forms.items()],
        intervals=[{"interval_id": 1}, {"interval_id": 2}],
        visits=[
            {"visit_id": n, "subject_id": subject, "interval_id": 1, "visit_date": seen}
            for n, subject, seen in visits
        ],
        records=[
            {
                "record_id": n,
                "subject_id": subject,
                "site_id": 1,
                "form_id": form,
                "form_key": forms[form],
                "visit_id": n if form == 1 else None,
                "date_created": when,
                "record_data": {"A": "1", "B": None, "C": 2},
            }
            for n, subject, form, when in records
        ],
        record_revisions=[
            {"record_id": 1, "data_revision": 1},
            {"record_id": 1, "data_revision": 3, "date_created": at(2, 3)},
            {"record_id": 2, "data_revision": 2, "date_created": at(3, 9)},
        ],
        queries=[
            query(1, ("Query Open", False, 1, 20), subject_id=1),  # 41 days
            query(2, ("Query Open", False, 1, 31), subject_id=1),  # 30 days: not yet
            query(3, ("Query Open", False, 1, 1), ("Query Closed", True, 2, 20), subject_id=2),
            query(4, subject_id=2),
        ],
    )


def _subject(number: int, site: int, status: str, begun: datetime | None) -> dict[str, Any]:
    return {
        "subject_id": number,
        "site_id": site,
        "subject_status": status,
        "enrollment_start_date": begun,
    }


def test_counts_by_hand(study: StudyFrames) -> None:
    counts = m.kri_counts(study, asof=ASOF)
    pairs = zip(counts["numerator"], counts["denominator"], strict=True)
    found = dict(zip(zip(counts["kri"], counts["site_id"], strict=True), pairs, strict=True))
    # Exposure: subject 1 from 1 January to 2 March, 60 days; subject 2 from 10 January to the
    # last visit on the 20th, 10 days; subject 4 was never seen.
    assert found["adverse_events", 1] == (2, 70)
    assert found["deviations", 1] == (1, 70)
    assert found["query_rate", 1] == (4, 12)  # six records of two answers
    assert found["overdue_queries", 1] == (1, 4)
    assert found["late_entry", 1] == (1, 2)
    assert found["data_change", 1] == (1, 6)
    assert found["screen_failure", 1] == (1, 4)
    assert found["discontinuation", 1] == (1, 3)
    assert found["screen_failure", 2] == (0, 1)
    assert {pair for (_, site), pair in found.items() if site == 3} == {(0, 0)}


def test_forms_of_the_configuration(study: StudyFrames) -> None:
    config = StudyConfiguration(kri=KriConfig(form_keys={"adverse_events": ["ae", "SAE"]}))
    counts = m.kri_counts(study, config, asof=ASOF)
    assert counts.iloc[0][["kri", "numerator"]].tolist() == ["adverse_events", 3]


def scored(*flags: int | None) -> pd.DataFrame:
    """A table of one site with these flags of indicators that weigh 0, 1, 2 and 0, 16, 32."""
    weights = [{0: 0, 1: 1, 2: 2}, {0: 0, 1: 16, 2: 32}]
    return pd.DataFrame(
        {
            "site_id": 1,
            "site_name": "x",
            "flag": pd.array(flags, dtype="Int64"),
            "weight": pd.array(
                [None if f is None else w[f] for f, w in zip(flags, weights, strict=True)],
                dtype="Float64",
            ),
            "greatest_weight": pd.array([2, 32], dtype="Float64"),
        }
    )


@pytest.mark.parametrize(
    ("flags", "indicators", "flagged", "score"),
    [
        ((1, 2), 2, 2, 100 * 33 / 34),
        ((0, 1), 2, 1, 100 * 16 / 34),
        ((2, None), 1, 1, 100.0),  # the blank one is no part of the greatest possible
        ((None, 0), 1, 0, 0.0),
        ((None, None), 0, 0, None),
    ],
)
def test_risk_score_by_hand(flags: Any, indicators: int, flagged: int, score: float | None) -> None:
    (row,) = m.risk_scores(scored(*flags)).to_dict("records")
    assert (row["indicators"], row["flagged"]) == (indicators, flagged)
    if score is None:
        assert pd.isna(row["risk_score"])
        assert pd.isna(row["rank"])
    else:
        assert row["risk_score"] == pytest.approx(score)
        assert row["rank"] == 1


def test_equal_scores_share_a_rank() -> None:
    tables = [scored(*flags).assign(site_id=n) for n, flags in enumerate([(1, 1), (2, 2), (1, 1)])]
    assert m.risk_scores(pd.concat(tables))["rank"].tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("kri", "message"),
    [
        (
            {"thresholds": {"adverse": [1.0]}},
            "kri.thresholds: 'adverse' is not known; use adverse_",
        ),
        ({"form_keys": {"query_rate": ["Q"]}}, "kri.form_keys: 'query_rate' counts no forms"),
        (
            {"weights": {"query_rate": [0.0, 1.0]}},
            "kri.weights: 'query_rate' has .0.0, 1.0.; give 3",
        ),
        ({"thresholds": {"query_rate": [2.0]}}, "kri.weights: 'query_rate' has .0, 1, 2.; give 2"),
        ({"weights": {"query_rate": [0.0, 1.0, -1.0]}}, "kri.weights: 'query_rate' has"),
    ],
)
def test_faults_of_the_configuration(kri: Any, message: str, study: StudyFrames) -> None:
    with pytest.raises(ValueError, match=message):
        m.kri_table(study, StudyConfiguration(kri=KriConfig(**kri)), asof=ASOF)


def test_cuts_and_weights_of_the_configuration(story: StudyFrames) -> None:
    kri = KriConfig(thresholds={"query_rate": [1.0]}, weights={"query_rate": [0.0, 7.0]})
    table = m.kri_table(story, StudyConfiguration(kri=kri), asof=ASOF)
    rates: Any = table[table["kri"] == "query_rate"].set_index("site_id")
    assert rates.loc[DIRTY][["flag", "weight", "greatest_weight"]].tolist() == [1, 7, 7]


def flags(table: pd.DataFrame, site: int) -> dict[str, int]:
    """The flags of a site, without the blank ones."""
    mine = table[(table["site_id"] == site) & table["flag"].notna()]
    return dict(zip(mine["kri"], mine["flag"], strict=True))


def test_the_dirty_site_is_found(story: StudyFrames) -> None:
    normal = flags(m.kri_table(story, asof=ASOF), DIRTY)
    assert normal["query_rate"] == 2
    assert normal["data_change"] == 2
    assert normal["late_entry"] >= 1
    assert normal["deviations"] >= 1
    alone = flags(m.kri_table(story, asof=ASOF, method="leave_one_out"), DIRTY)
    assert [alone[kri] for kri in ("query_rate", "data_change", "late_entry", "deviations")] == [
        2
    ] * 4


def test_the_silent_site_is_found(story: StudyFrames) -> None:
    for method in ("normal", "leave_one_out"):
        table = m.kri_table(story, asof=ASOF, method=method)
        events = table[table["kri"] == "adverse_events"].set_index("site_id")
        assert events.loc[SILENT, "numerator"] == 0
        assert events.loc[SILENT, "flag"] == -2
        assert (events["flag"] == -2).sum() == 1
    assert events["p_adjusted"][SILENT] < 0.001
    assert m.risk_scores(table).set_index("site_id").loc[SILENT, "rank"] == 1


def test_the_site_that_waits_is_shown_without_scores(story: StudyFrames) -> None:
    table = m.kri_table(story, asof=ASOF)
    waiting = table[table["site_id"] == WAITING]
    assert len(waiting) == len(m.INDICATORS)
    assert waiting["flag"].isna().all()
    assert waiting["weight"].isna().all()
    risk = m.risk_scores(table).set_index("site_id")
    assert pd.isna(risk["risk_score"][WAITING])
    assert len(risk) == 12


def test_two_worst_sites_lead(story: StudyFrames) -> None:
    risk = m.risk_scores(m.kri_table(story, asof=ASOF)).sort_values("rank")
    assert set(risk["site_id"].head(2)) == {DIRTY, SILENT}


def test_other_measures_find_the_dirty_site(story: StudyFrames) -> None:
    state = m.query_state(story, asof=ASOF)
    by_site: list[pd.Series[Any]] = [
        m.query_rates(story, asof=ASOF, by="site_id").set_index("site_id")["per_100_data_points"],
        m.median_time_to_resolve(state, asof=ASOF, by="site_id").set_index("site_id")[
            "median_days"
        ],
        m.entry_lag_summary(m.entry_lag(story, asof=ASOF), by="site_id").set_index("site_id")[
            "late_percent"
        ],
    ]
    for measure in by_site:
        assert measure.idxmax() == DIRTY
    pages = m.completion(m.expected_pages(story, asof=ASOF), by="site_id").set_index("site_id")
    assert pages["completion_percent"].idxmin() == DIRTY
    sdv = m.sdv_progress(story, asof=ASOF, by="site_id").set_index("site_id")
    assert sdv["sdv_percent"].idxmin() == DIRTY


def test_closed_site_does_not_enrol_on(story: StudyFrames) -> None:
    sites: Any = m.site_enrolment(story, asof=ASOF).set_index("site_id")
    assert sites.loc[CLOSED][["days", "open"]].tolist() == [305, False]  # 425 - 120 days
    assert sites.loc[WAITING][["days", "open"]].tolist() == [0, False]
    assert sites["open"].sum() == 10


def test_what_is_known_of_the_story(story: StudyFrames) -> None:
    state = m.query_state(story, asof=ASOF)
    assert set(state["state"]) == {"open", "closed", "unknown"}
    assert set(state["turn"].dropna()) == {"site", "data management", "unknown"}
    rates = m.query_rates(story, asof=ASOF, by="site_id")
    total = m.query_rates(story, asof=ASOF)
    for name in ("queries", "data_points", "records", "subjects"):
        assert rates[name].sum() == total[name].sum()
    assert m.query_flux(story, asof=ASOF)["backlog"].iloc[-1] == (state["state"] == "open").sum()
    funnel = m.enrolment_funnel(story, asof=ASOF)
    assert funnel["screened"].sum() == 199  # 200 less the one that is deleted
    curve = m.enrolment_curve(story, asof=ASOF)
    assert curve["cumulative"].iloc[-1] == funnel["enrolled"].sum()
    assert m.unknown_words(story).empty


def test_trend_ends_where_the_table_is(story: StudyFrames) -> None:
    trend = m.kri_trend(story, asof=ASOF, months=3)
    moments = trend["asof"].drop_duplicates()
    assert [str(when.date()) for when in moments] == ["2026-01-31", "2026-02-28", "2026-03-02"]
    last = trend[trend["asof"] == moments.iloc[-1]].drop(columns="asof").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, m.kri_table(story, asof=ASOF))
    risk = m.risk_scores(trend)
    assert len(risk) == 36
    assert (risk.groupby("asof")["rank"].min() == 1).all()
    with pytest.raises(ValueError, match="months: 0 is below 1"):
        m.kri_trend(story, asof=ASOF, months=0)


def test_years_end_where_years_end(story: StudyFrames) -> None:
    trend = m.kri_trend(story, asof=datetime(2026, 1, 15, 8), months=3)
    ends = [str(when.date()) for when in trend["asof"].drop_duplicates()]
    assert ends == ["2025-11-30", "2025-12-31", "2026-01-15"]


KEYS = ("subject_id", "visit_id", "record_id", "record_revision_id", "annotation_id")


def tiled(frames: StudyFrames, times: int) -> StudyFrames:
    """The study with its subjects, and all that is theirs, so many times over."""
    changed = {}
    for name in ("subjects", "visits", "records", "record_revisions", "queries", "comments"):
        one = getattr(frames, name)
        keys = [key for key in KEYS if key in one.columns]
        copies = [one.assign(**{k: one[k] + 10**7 * n for k in keys}) for n in range(times)]
        changed[name] = pd.concat(copies, ignore_index=True)
    return replace(frames, **changed)


def test_many_times_the_study_is_many_times_the_counts(story: StudyFrames) -> None:
    large = tiled(story, 10)
    one, ten = m.kri_counts(story, asof=ASOF), m.kri_counts(large, asof=ASOF)
    for name in ("numerator", "denominator"):
        pd.testing.assert_series_equal(one[name] * 10, ten[name])
    same = m.completion(m.expected_pages(story, asof=ASOF), by="form_key")
    more = m.completion(m.expected_pages(large, asof=ASOF), by="form_key")
    assert more["expected"].tolist() == (same["expected"] * 10).tolist()
    assert more["completion_percent"].tolist() == pytest.approx(same["completion_percent"].tolist())
    weeks, tens = (m.query_flux(frames, asof=ASOF) for frames in (story, large))
    assert tens["backlog"].tolist() == (weeks["backlog"] * 10).tolist()
    pd.testing.assert_series_equal(tens["weeks_of_work"], weeks["weeks_of_work"])
