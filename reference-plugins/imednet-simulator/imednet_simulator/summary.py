"""What a data manager wants to see first, in a terminal of 100 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from imednet_simulator.protocol import COMPLETED, ENROLLED, SCREENING, WITHDRAWN

UNICODE = ("█", "░", "─")
ASCII = ("#", ".", "-")
BUCKETS = ((7, "0-7 days"), (14, "8-14"), (30, "15-30"), (60, "31-60"), (None, "over 60"))
BAR, NAME = 24, 33


@dataclass
class SiteLine:
    """A site's enrolment."""

    name: str
    status: str
    screened: int = 0
    enrolled: int = 0
    completed: int = 0
    withdrawn: int = 0


@dataclass
class Summary:
    """The figures shown."""

    key: str
    name: str
    asof: datetime
    sites: list[SiteLine] = field(default_factory=list)
    query_ages: dict[str, int] = field(default_factory=dict)
    closed_queries: int = 0
    records: dict[str, int] = field(default_factory=dict)
    overdue: dict[str, int] = field(default_factory=dict)


def gather(sdk: Any, study_key: str, asof: datetime) -> Summary:
    """Read the study through the SDK and count."""
    (study,) = (s for s in sdk.studies.list() if s.study_key == study_key)
    subjects = [s for s in sdk.subjects.list(study_key) if not s.deleted]
    active = {s.subject_id: s.site_id for s in subjects if s.subject_status in _ACTIVE}
    sites = sdk.sites.list(study_key)
    summary = Summary(study_key, study.study_name, asof, _enrolment(sites, subjects))
    summary.query_ages, summary.closed_queries = _ages(sdk.queries.iter(study_key), asof)
    statuses = Counter(r.record_status for r in sdk.records.iter(study_key) if not r.deleted)
    summary.records = dict(statuses.most_common())
    names = {site.site_id: site.site_name for site in sites}
    late = Counter(
        names[active[visit.subject_id]]
        for visit in sdk.visits.iter(study_key)
        if visit.subject_id in active and _overdue(visit, asof.date())
    )
    summary.overdue = dict(late.most_common())
    return summary


_ACTIVE = (SCREENING, ENROLLED)
_EVER = (ENROLLED, COMPLETED, WITHDRAWN)


def _enrolment(sites: Iterable[Any], subjects: Iterable[Any]) -> list[SiteLine]:
    lines = {s.site_id: SiteLine(s.site_name, s.site_enrollment_status) for s in sites}
    for subject in subjects:
        line, status = lines[subject.site_id], subject.subject_status
        line.screened += 1
        line.enrolled += status in _EVER
        line.completed += status == COMPLETED
        line.withdrawn += status == WITHDRAWN
    return sorted(lines.values(), key=lambda line: -line.screened)


def _ages(queries: Iterable[Any], asof: datetime) -> tuple[dict[str, int], int]:
    """Open queries by days since they were last opened, and the number of closed ones."""
    counts = dict.fromkeys([name for _, name in BUCKETS], 0)
    closed = 0
    for query in queries:
        comments = sorted(query.query_comments or (), key=lambda c: c.sequence)
        if not comments:
            continue
        if comments[-1].closed:
            closed += 1
            continue
        days = (asof - _last_opened(comments)).days
        counts[next(name for most, name in BUCKETS if most is None or days <= most)] += 1
    return counts, closed


def _last_opened(comments: Sequence[Any]) -> datetime:
    opened = comments[0].date
    for before, comment in pairwise(comments):
        again = "reopen" in (comment.annotation_status or "").lower()
        if again or (before.closed and not comment.closed):
            opened = comment.date
    return opened  # type: ignore[no-any-return]


def _overdue(visit: Any, today: date) -> bool:
    waiting = visit.visit_date is None and not visit.deleted and visit.end_date is not None
    return bool(waiting and visit.end_date < today)


def render(summary: Summary, *, plain: bool = False) -> str:
    """The summary as text; `plain` draws with ASCII only."""
    marks = ASCII if plain else UNICODE
    total = {
        name: sum(getattr(line, name) for line in summary.sites)
        for name in ("screened", "enrolled", "completed", "withdrawn")
    }
    parts = [
        f"{summary.key}  {summary.name}",
        f"as of {summary.asof:%Y-%m-%d %H:%M} UTC   "
        + "   ".join(f"{name} {number}" for name, number in total.items()),
        _rule("Enrolment by site", marks),
        *_site_lines(summary.sites, marks),
        _rule(f"Open queries by age ({summary.closed_queries} closed)", marks),
        *_bars(summary.query_ages, marks),
        _rule("Records by status", marks),
        *_bars(summary.records, marks),
        _rule(f"Overdue visits ({sum(summary.overdue.values())})", marks),
        *_bars(summary.overdue, marks),
    ]
    return "\n".join(parts)


def _rule(title: str, marks: tuple[str, str, str]) -> str:
    return f"\n{title} " + marks[2] * (79 - len(title))


def _site_lines(sites: Sequence[SiteLine], marks: tuple[str, str, str]) -> list[str]:
    most = max((line.screened for line in sites), default=0) or 1
    legend = f"{marks[0]} enrolled {marks[1]} screened only"
    lines = [f"  {legend:<{BAR + NAME}} screened enrolled completed withdrawn"]
    for line in sites:
        full = round(BAR * line.enrolled / most)
        bar = marks[0] * full + marks[1] * (round(BAR * line.screened / most) - full)
        note = "" if line.screened else f"  {line.status}"
        numbers = f"{line.screened:>9}{line.enrolled:>9}{line.completed:>10}{line.withdrawn:>10}"
        lines.append(f"  {line.name[: NAME - 2]:<{NAME}}{(bar + note):<{BAR}}{numbers}")
    return lines


def _bars(counts: Mapping[str, int], marks: tuple[str, str, str]) -> list[str]:
    most = max(counts.values(), default=0) or 1
    return [
        f"  {name[: NAME - 2]:<{NAME}}{number:>6}  {marks[0] * round(BAR * number / most)}".rstrip()
        for name, number in counts.items()
    ]
