"""Rules over canonical tables and metrics: what they find, and that they find it again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imednet.models import MappingRule, StudyConfiguration
from imednet_workflows import metrics, triage_rules
from imednet_workflows.canonical import canonicalise
from imednet_workflows.triage_items import Finding
from imednet_workflows.triage_rules import Found, run_rules
from imednet_workflows.triage_store import TriageStore

ASOF = date(2026, 3, 2)
SITES = pd.DataFrame({"site_id": [3], "site_name": ["Northfield"]})


def event(**changes: Any) -> pd.DataFrame:
    row = {
        "record_id": 7,
        "site_id": 3,
        "site_name": "Northfield",
        "subject_key": "S-1",
        "serious": "Y",
        "term": "Rash",
        "start_date": "2026-01-05",
    }
    return pd.DataFrame([{**row, **changes}])


def query(**changes: Any) -> pd.DataFrame:
    row = {
        "annotation_id": 5,
        "state": "open",
        "age_days": 40,
        "counted": True,
        "site_id": 3,
        "last_opened": pd.Timestamp("2026-01-21", tz="UTC"),
        "subject_key": "S-1",
        "record_id": 7,
        "variable": "AETERM",
        "form_key": "AE",
        "turn": "site",
    }
    return pd.DataFrame([{**row, **changes}])


def visit(**changes: Any) -> pd.DataFrame:
    row = {
        "visit_id": 9,
        "subject_key": "S-1",
        "site_id": 3,
        "interval_name": "Week 4",
        "visit_date": pd.NaT,
        "window_end": pd.Timestamp("2026-02-01"),
        "status": "overdue",
        "days_overdue": 29,
        "days_out_of_window": pd.NA,
    }
    return pd.DataFrame([{**row, **changes}])


def made(days: int) -> pd.DataFrame:
    day = pd.Timestamp("2026-02-09")
    return visit(status="made", visit_date=day, days_overdue=pd.NA, days_out_of_window=days)


def kri(flag: Any, site_id: int = 3) -> pd.DataFrame:
    return pd.DataFrame([{"site_id": site_id, "kri": "query_rate", "flag": flag}])


def failure() -> pd.DataFrame:
    names = ("domain", "site_id", "subject_key", "record_id", "target_field", "check", "message")
    values = ("adverse_events", 3, "S-1", 7, "term", "required", "term is empty")
    return pd.DataFrame([dict(zip(names, values, strict=True))])


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ({"adverse_events": event()}, ["critical | Serious adverse event: Rash"]),
        ({"adverse_events": event(serious="N")}, []),
        ({"adverse_events": event(serious=pd.NA)}, []),
        ({"adverse_events": event(serious="y")}, ["critical | Serious adverse event: Rash"]),
        (
            {"adverse_events": event(serious="Yes")},
            ["critical | Adverse event, serious is 'Yes' (neither Y nor N): Rash"],
        ),
        ({"adverse_events": event(term=None)}, ["critical | Serious adverse event: no term given"]),
        ({"queries": query()}, ["medium | Query open since 2026-01-21"]),
        ({"queries": query(age_days=61)}, ["high | Query open since 2026-01-21"]),
        ({"queries": query(age_days=30)}, []),
        ({"queries": query(state="closed", age_days=pd.NA)}, []),
        ({"queries": query(counted=False)}, []),
        ({"visits": visit()}, ["medium | Week 4: overdue since 2026-02-01"]),
        ({"visits": visit(days_overdue=31)}, ["high | Week 4: overdue since 2026-02-01"]),
        ({"visits": made(0)}, []),
        ({"visits": made(3)}, ["low | Week 4: 3 days too late"]),
        ({"visits": made(-8)}, ["medium | Week 4: 8 days too early"]),
        ({"kris": kri(0)}, []),
        ({"kris": kri(pd.NA)}, []),
        ({"kris": kri(1)}, ["medium | Northfield: query rate too high"]),
        ({"kris": kri(-2)}, ["high | Northfield: query rate far too low"]),
        ({"kris": kri(1, site_id=8)}, ["medium | site 8: query rate too high"]),
        ({"failures": failure()}, ["medium | adverse_events: term is empty"]),
    ],
    ids=[
        *("serious", "not serious", "not known", "small letter", "another word", "no term"),
        *("overdue query", "old query", "young query", "closed", "not counted"),
        *("overdue visit", "long overdue", "in window", "late", "early"),
        *("no flag", "blank flag", "high", "far low", "unknown site", "failure"),
    ],
)
def test_rules(frames: dict[str, pd.DataFrame], expected: list[str]) -> None:
    found = run_rules("S", SITES, **frames)
    assert [f"{one.severity} | {one.title}" for one in found.findings] == expected


def test_masked_seriousness_is_refused() -> None:
    with pytest.raises(ValueError, match="serious is masked"):
        run_rules("S", SITES, adverse_events=event(serious="***"))


def test_a_finding_says_where() -> None:
    (one,) = run_rules("S", SITES, queries=query()).findings
    assert one == Finding(
        study_key="S",
        kind="overdue query",
        key="query 5",
        title="Query open since 2026-01-21",
        detail="form: AE; variable: AETERM; turn: site",
        severity="medium",
        site="Northfield",
        subject="S-1",
        record_id=7,
    )


@pytest.mark.parametrize(
    ("frames", "kinds"),
    [
        ({}, set()),
        ({"adverse_events": event()}, {"serious adverse event"}),
        ({"visits": visit()}, {"overdue visit", "visit out of window"}),
        ({"kris": kri(0), "failures": failure()}, {"site flag", "failed validation"}),
        ({"queries": query()}, {"overdue query"}),
    ],
    ids=["none", "events", "visits", "two", "queries"],
)
def test_only_what_was_looked_for_is_named(
    frames: dict[str, pd.DataFrame], kinds: set[str]
) -> None:
    assert run_rules("S", SITES, **frames).kinds == kinds


def test_a_frame_that_lacks_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="kris") as caught:
        run_rules("S", SITES, kris=kri(1).drop(columns=["kri", "flag"]))
    assert str(caught.value) == "kris: the frame has no kri, flag: give the whole table"


def test_a_flag_on_the_other_side_is_not_decided_already(tmp_path: Path) -> None:
    store = TriageStore(tmp_path / "t.sqlite3")
    (high,) = run_rules("S", SITES, kris=kri(2)).findings
    store.refresh("S", [high], kinds={triage_rules.SITE_FLAG})
    store.review(high.identity, who="R. Lind")
    store.approve(high.identity, who="R. Lind")
    found = run_rules("S", SITES, kris=kri(-2))
    store.refresh("S", found.findings, kinds=found.kinds)
    items = store.items("S", include_gone=True)
    assert {(item.title.rpartition(" ")[2], item.status, item.gone is None) for item in items} == {
        ("high", "approved", False),
        ("low", "new", True),
    }


def demo_findings(demo: Any, asof: date) -> Found:
    rules = [
        MappingRule("AE", "term", "AE", "AETERM"),
        MappingRule("AE", "serious", "AE", "AESER", business_logic="value == 'Yes' ? 'Y' : 'N'"),
    ]
    config = StudyConfiguration(study_key=demo.study_key, mappings=rules)
    canonical = canonicalise(config, demo.records, demo.variables, subjects=demo.subjects)
    return run_rules(
        demo.study_key,
        demo.frames.sites,
        adverse_events=canonical.tables["adverse_events"],
        queries=metrics.query_state(demo.frames, asof=asof),
        visits=metrics.visit_status(demo.frames, asof=asof),
        kris=metrics.kri_table(demo.frames, asof=asof, method="leave_one_out"),
        failures=canonical.failures,
    )


def test_the_demo_study_gives_work_once(demo: Any, tmp_path: Path) -> None:
    found = demo_findings(demo, ASOF)
    store = TriageStore(tmp_path / "t.sqlite3")
    first = store.refresh(demo.study_key, found.findings, kinds=found.kinds)
    assert first.new == len({one.identity for one in found.findings}) == len(found.findings)
    again = store.refresh(demo.study_key, demo_findings(demo, ASOF).findings, kinds=found.kinds)
    assert (again.new, again.still, again.gone) == (0, first.new, 0)
    events = {
        event.action
        for item in store.items(demo.study_key)
        for event in store.history(item.identity)
    }
    assert events == {"found"}
    flagged = store.items(demo.study_key, kind=triage_rules.SITE_FLAG)
    assert {item.site for item in flagged} & set(demo.frames.sites["site_name"])
    serious = [
        record
        for record in demo.records
        if record.form_key == "AE" and (record.record_data or {}).get("AESER") == "Yes"
    ]
    found_serious = store.items(demo.study_key, kind=triage_rules.SERIOUS_EVENT)
    assert {item.record_id for item in found_serious} == {
        r.record_id for r in serious if not r.deleted
    }
