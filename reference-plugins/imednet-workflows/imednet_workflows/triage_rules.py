"""Rules: plain functions from canonical tables and metrics to findings for review.

What a finding says does not change from day to day while nothing happens (a day it is late
since, not the number of days), so that its history shows only changes that are some. Sites
are named by the frame of sites; one that is not in it by its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from imednet_workflows.canonical.tables import MASK
from imednet_workflows.triage_items import Finding

__all__ = [
    "FAILED_VALIDATION",
    "OUT_OF_WINDOW_VISIT",
    "OVERDUE_QUERY",
    "OVERDUE_VISIT",
    "SERIOUS_EVENT",
    "SITE_FLAG",
    "Found",
    "failed_validation",
    "out_of_window_visits",
    "overdue_queries",
    "overdue_visits",
    "run_rules",
    "serious_adverse_events",
    "site_flags",
]

#: A serious adverse event.
SERIOUS_EVENT = "serious adverse event"
#: A query that has been open for too long.
OVERDUE_QUERY = "overdue query"
#: A visit that was made outside its window.
OUT_OF_WINDOW_VISIT = "visit out of window"
#: A visit whose window has passed.
OVERDUE_VISIT = "overdue visit"
#: A site far from the others in an indicator.
SITE_FLAG = "site flag"
#: A row of a canonical table that fails a check.
FAILED_VALIDATION = "failed validation"


@dataclass(frozen=True)
class Found:
    """The findings of a run, and the kinds it looked for; both go to `TriageStore.refresh`."""

    findings: list[Finding]
    kinds: frozenset[str]


def run_rules(
    study_key: str,
    sites: pd.DataFrame,
    *,
    adverse_events: pd.DataFrame | None = None,
    queries: pd.DataFrame | None = None,
    visits: pd.DataFrame | None = None,
    kris: pd.DataFrame | None = None,
    failures: pd.DataFrame | None = None,
) -> Found:
    """Run the rules for which there is a frame; None leaves a rule's kind alone.

    `sites` is `StudyFrames.sites`, `adverse_events` a canonical table, `queries`, `visits`
    and `kris` are the results of `query_state`, `visit_status` and `kri_table`, `failures`
    those of a CanonicalStudy. Raises ValueError for a column that a rule needs and lacks.

    Example:
        >>> sites = pd.DataFrame({"site_id": [3], "site_name": ["Northfield"]})
        >>> kris = pd.DataFrame({"site_id": [3], "kri": ["deviations"], "flag": [2]})
        >>> found = run_rules("DEMO", sites, kris=kris)
        >>> [finding.title for finding in found.findings], sorted(found.kinds)
        (['Northfield: deviations far too high'], ['site flag'])
    """
    findings: list[Finding] = []
    kinds: set[str] = set()
    if adverse_events is not None:
        kinds.add(SERIOUS_EVENT)
        findings += serious_adverse_events(study_key, adverse_events)
    if queries is not None:
        kinds.add(OVERDUE_QUERY)
        findings += overdue_queries(study_key, queries, sites)
    if visits is not None:
        kinds |= {OUT_OF_WINDOW_VISIT, OVERDUE_VISIT}
        findings += out_of_window_visits(study_key, visits, sites)
        findings += overdue_visits(study_key, visits, sites)
    if kris is not None:
        kinds.add(SITE_FLAG)
        findings += site_flags(study_key, kris, sites)
    if failures is not None:
        kinds.add(FAILED_VALIDATION)
        findings += failed_validation(study_key, failures, sites)
    return Found(findings, frozenset(kinds))


def serious_adverse_events(study_key: str, events: pd.DataFrame) -> list[Finding]:
    """Return a critical finding for each record of adverse_events with `serious` "Y".

    What is neither "Y" nor "N" (in either case) nor empty is a finding of its own, since
    it may mean yes. Raises ValueError where `serious` is masked.
    """
    found = _rows(events, "adverse_events", "record_id", "site_name", "subject_key", "serious")
    if any(row["serious"] == MASK for row in found):
        raise ValueError(
            "serious is masked in adverse_events: make the tables with mask=False, or take "
            "the variable out of phi_fields"
        )
    return [
        Finding(
            study_key,
            SERIOUS_EVENT,
            f"record {row['record_id']}",
            f"{_seriousness(row['serious'])}: {row.get('term') or 'no term given'}",
            _joined(started=row.get("start_date"), outcome=row.get("outcome")),
            "critical",
            site=row["site_name"] or _numbered(row.get("site_id")),
            subject=row["subject_key"],
            record_id=row["record_id"],
        )
        for row in found
        if row["serious"] is not None and str(row["serious"]).strip().upper() not in ("N", "")
    ]


def _seriousness(value: Any) -> str:
    if str(value).strip().upper() == "Y":
        return "Serious adverse event"
    return f"Adverse event, serious is {value!r} (neither Y nor N)"


def overdue_queries(
    study_key: str, queries: pd.DataFrame, sites: pd.DataFrame, *, days: int = 30
) -> list[Finding]:
    """Return a finding for each open query that counts and was last opened over `days` ago.

    Medium, and high from twice the days on.
    """
    found = _rows(
        queries,
        "queries",
        *("annotation_id", "state", "age_days", "last_opened", "counted"),
        *("site_id", "subject_key", "record_id", "variable", "form_key", "turn"),
    )
    names = _names(sites)
    return [
        Finding(
            study_key,
            OVERDUE_QUERY,
            f"query {row['annotation_id']}",
            f"Query open since {_day(row['last_opened'])}",
            _joined(form=row["form_key"], variable=row["variable"], turn=row["turn"]),
            "high" if row["age_days"] > 2 * days else "medium",
            site=_site(names, row["site_id"]),
            subject=row["subject_key"],
            record_id=row["record_id"],
        )
        for row in found
        if row["counted"] and row["state"] == "open" and (row["age_days"] or 0) > days
    ]


def out_of_window_visits(
    study_key: str, visits: pd.DataFrame, sites: pd.DataFrame
) -> list[Finding]:
    """Return a low finding for each visit made outside its window, medium from 7 days on."""
    return [
        _visit(
            study_key,
            OUT_OF_WINDOW_VISIT,
            row,
            _site(names, row["site_id"]),
            f"{abs(out)} days too {'late' if out > 0 else 'early'}",
            "medium" if abs(out) >= 7 else "low",
        )
        for names, row in _visits(visits, sites)
        if (out := row["days_out_of_window"])
    ]


def overdue_visits(study_key: str, visits: pd.DataFrame, sites: pd.DataFrame) -> list[Finding]:
    """Return a medium finding for each visit whose window is over, high after 30 days."""
    return [
        _visit(
            study_key,
            OVERDUE_VISIT,
            row,
            _site(names, row["site_id"]),
            f"overdue since {_day(row['window_end'])}",
            "high" if (row["days_overdue"] or 0) > 30 else "medium",
        )
        for names, row in _visits(visits, sites)
        if row["status"] == "overdue"
    ]


def _visits(
    visits: pd.DataFrame, sites: pd.DataFrame
) -> Iterator[tuple[dict[int, str], dict[str, Any]]]:
    names = _names(sites)
    needed = ("visit_id", "subject_key", "site_id", "interval_name", "visit_date", "status")
    late = ("window_end", "days_overdue", "days_out_of_window")
    for row in _rows(visits, "visits", *needed, *late):
        yield names, row


def _visit(
    study_key: str, kind: str, row: dict[str, Any], site: str | None, what: str, severity: str
) -> Finding:
    return Finding(
        study_key,
        kind,
        f"visit {row['visit_id']}",
        f"{row['interval_name'] or 'Visit'}: {what}",
        _joined(visit=_day(row["visit_date"])),
        severity,
        site=site,
        subject=row["subject_key"],
    )


def site_flags(study_key: str, kris: pd.DataFrame, sites: pd.DataFrame) -> list[Finding]:
    """Return a finding for each site and indicator with a flag: medium at 1, high at 2.

    Too high and too low are two findings: what was decided of one says nothing of the other.
    """
    names = _names(sites)
    return [
        Finding(
            study_key,
            SITE_FLAG,
            f"site {row['site_id']} {row['kri']} {way}",
            f"{_site(names, row['site_id'])}: {str(row['kri']).replace('_', ' ')} "
            f"{'far ' if abs(flag) > 1 else ''}too {way}",
            f"flag {flag:+d}",
            "high" if abs(flag) > 1 else "medium",
            site=_site(names, row["site_id"]),
        )
        for row in _rows(kris, "kris", "site_id", "kri", "flag")
        if (flag := int(row["flag"] or 0)) and (way := "high" if flag > 0 else "low")
    ]


def failed_validation(study_key: str, failures: pd.DataFrame, sites: pd.DataFrame) -> list[Finding]:
    """Return a medium finding for each failed check of a standards profile; no value in it."""
    names = _names(sites)
    needed = ("domain", "target_field", "check", "message", "site_id", "subject_key", "record_id")
    return [
        Finding(
            study_key,
            FAILED_VALIDATION,
            f"{row['domain']}.{row['target_field']} {row['check']} "
            f"{row['record_id'] or row['subject_key']}",
            f"{row['domain']}: {row['message']}",
            _joined(check=row["check"]),
            "medium",
            site=_site(names, row["site_id"]),
            subject=row["subject_key"],
            record_id=row["record_id"],
        )
        for row in _rows(failures, "failures", *needed)
    ]


def _rows(frame: pd.DataFrame, name: str, *needed: str) -> list[dict[str, Any]]:
    """Return the rows as dicts, NA as None; ValueError for a missing column."""
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise ValueError(f"{name}: the frame has no {', '.join(missing)}: give the whole table")
    columns = [[_plain(value) for value in frame[column]] for column in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _names(sites: pd.DataFrame) -> dict[int, str]:
    rows = _rows(sites, "sites", "site_id", "site_name")
    return {row["site_id"]: row["site_name"] for row in rows if row["site_name"]}


def _site(names: dict[int, str], site_id: int | None) -> str | None:
    return None if site_id is None else names.get(site_id) or _numbered(site_id)


def _numbered(site_id: int | None) -> str | None:
    return None if site_id is None else f"site {site_id}"


def _day(moment: Any) -> str | None:
    return None if moment is None else str(moment.date())


def _joined(**parts: str | None) -> str:
    """Write the parts that are there as `name: value; name: value`."""
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)
