"""A subject's life in the study: visits made, missed and to come, and what was entered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random

from imednet_simulator import answers
from imednet_simulator.answers import MAKERS, Person
from imednet_simulator.people import DAY
from imednet_simulator.protocol import (
    COMPLETED,
    ENROLLED,
    FAILED,
    FORMS,
    LIVE_INTERVALS,
    SCREENING,
    WITHDRAWN,
    Interval,
    Site,
)
from imednet_simulator.store import Study
from imednet_simulator.trail import Entry, Owner, Trail, lag_seconds

FIRST, BASELINE, LAST = LIVE_INTERVALS[0], LIVE_INTERVALS[1], LIVE_INTERVALS[-1]


@dataclass
class Stop:
    """A planned visit: its due day if known, the day it was made, the moment it was entered."""

    interval: Interval
    due: int | None = None
    day: int | None = None
    entered: int | None = None


@dataclass
class Life:
    """One subject's course, days since 1970 and moments in seconds."""

    site: Site
    person: Person
    screened: int
    status: str = SCREENING
    baseline: int | None = None
    left: int | None = None
    changed: int = 0
    reason: str = ""
    stops: list[Stop] = field(default_factory=list)

    @property
    def until(self) -> int | None:
        """The last day on which the subject was seen."""
        return max((stop.day for stop in self.stops if stop.day is not None), default=None)


def live(site: Site, person: Person, screened: int, noon: int, rng: Random) -> Life:
    """Decide a subject's course up to now."""
    life = Life(site, person, screened, changed=screened)
    first = Stop(FIRST, None, screened // DAY, screened + rng.randint(300, 3000))
    life.stops = [first, *(Stop(interval) for interval in LIVE_INTERVALS[1:])]
    life.stops[1].due = screened // DAY + (BASELINE.due or 0)
    if rng.random() < _failing(site):
        _fail(life, noon, rng)
    else:
        _begin(life, noon, rng)
    return life


def _failing(site: Site) -> float:
    return 0.13 if site.character.role == "fast and dirty" else 0.16


def _fail(life: Life, noon: int, rng: Random) -> None:
    decided = life.screened + rng.randint(2, 12) * DAY
    if decided <= noon:
        life.status, life.changed = FAILED, decided


def _begin(life: Life, noon: int, rng: Random) -> None:
    """Baseline, and what follows from it, if it has been made and entered by now."""
    stop = life.stops[1]
    day = (stop.due or 0) + max(-7, min(9, round(rng.gauss(0, 3))))
    entered = _entry(life.site, day, rng)
    if entered > noon:
        return
    stop.day, stop.entered = day, entered
    life.status, life.changed, life.baseline = ENROLLED, entered, day
    leaves = day + rng.randint(9, 170) if rng.random() < 0.15 else None
    _follow(life, leaves, noon, rng)


def _follow(life: Life, leaves: int | None, noon: int, rng: Random) -> None:
    last = life.baseline or 0
    for stop in life.stops[2:]:
        stop.due = (life.baseline or 0) + (stop.interval.due or 0)
        day = max(last + 1, stop.due + _shift(stop.interval, life.site, rng))
        skipped = rng.random() < life.site.character.skipped
        entered = _entry(life.site, day, rng)
        if skipped or entered > noon or (leaves is not None and day >= leaves):
            continue
        stop.day, stop.entered, last = day, entered, day
    if leaves is not None:
        _leave(life, leaves, noon, rng)
    elif life.stops[-1].entered:
        life.status, life.changed = COMPLETED, life.stops[-1].entered
        life.reason = "Completed"


def _leave(life: Life, leaves: int, noon: int, rng: Random) -> None:
    entered = _entry(life.site, leaves, rng)
    if entered > noon:
        return
    stop = life.stops[-1]
    stop.day, stop.entered, stop.due = leaves, entered, None
    life.status, life.changed, life.left = WITHDRAWN, entered, leaves
    reasons = ("Withdrawal by subject", "Adverse event", "Lost to follow-up", "Physician decision")
    silent = life.site.character.events == 0
    life.reason = rng.choice([r for r in reasons if not (silent and r == "Adverse event")])


def _entry(site: Site, day: int, rng: Random) -> int:
    return day * DAY + rng.randint(9 * 3600, 17 * 3600) + lag_seconds(site, rng)


def _shift(interval: Interval, site: Site, rng: Random) -> int:
    """Days from the due day: within the window, but for the strays."""
    if rng.random() < site.character.stray:
        return interval.after + rng.randint(1, 8) if rng.random() < 0.8 else -interval.before - 2
    return max(-interval.before, min(interval.after, round(rng.gauss(0, interval.before / 2))))


class Writer:
    """Puts lives into the study's tables."""

    def __init__(self, study: Study, trail: Trail, noon: int, rng: Random) -> None:
        self.study, self.trail, self.noon, self.rng = study, trail, noon, rng
        self.subject_ids, self.visit_ids = count(1), count(1)
        self.numbers: Counter[int] = Counter()
        self.next_deletion = 25
        self._subjects = study["subjects"].adder(
            "subjectId subjectOid subjectKey subjectStatus siteId siteName deleted"
            " enrollmentStartDate dateCreated dateModified keywords"
        )
        self._visits = study["visits"].adder(
            "visitId intervalId intervalName subjectId subjectKey startDate endDate dueDate"
            " visitDate visitDateForm deleted visitDateQuestion dateCreated dateModified"
        )

    def write(self, life: Life) -> None:
        """The subject, its visits, and all its records."""
        number, site = next(self.subject_ids), life.site
        self.numbers[site.id] += 1
        owner = Owner(site, number, f"OID-{number}", f"{site.id:02d}-{self.numbers[site.id]:03d}")
        deleted = life.status == FAILED and number >= self.next_deletion
        begun = None if life.baseline is None else life.baseline * DAY + 10 * 3600
        self._subjects(
            number,
            owner.oid,
            owner.key,
            life.status,
            site.id,
            site.name,
            deleted,
            begun,
            life.screened,
            life.changed,
            self.trail.keywords(life.changed) if self.rng.random() < 0.04 else None,
        )
        if deleted:
            self._take_back(life, owner, number)
            return
        for stop in life.stops:
            self._stop(life, owner, stop)
        self._between(life, owner)
        asked = life.screened + int(self.rng.uniform(1, 60) * DAY)
        if self.rng.random() < 0.03 and asked <= self.noon:
            self.trail.subject_query(owner, asked)

    def _take_back(self, life: Life, owner: Owner, number: int) -> None:
        """A subject registered by mistake: its registration and visits are deleted with it."""
        self.next_deletion = number + 400
        first, *_ = [self._visit(life, owner, stop, deleted=True) for stop in life.stops]
        form, interval = FORMS["REG"], life.stops[0].interval
        values = self._values("REG", life, life.screened // DAY)
        entry = Entry(owner, form, values, life.screened, interval.id, first, erased=True)
        self.trail.write(entry)

    def _stop(self, life: Life, owner: Owner, stop: Stop) -> None:
        visit_id = self._visit(life, owner, stop)
        if stop.day is None or stop.entered is None:
            return
        saved = stop.entered
        for key in stop.interval.forms:
            at = self._saved(key, life, saved)
            saved += self.rng.randint(40, 400)
            if at is not None:
                values, form = self._values(key, life, stop.day), FORMS[key]
                self.trail.write(Entry(owner, form, values, at, stop.interval.id, visit_id))
        if stop.interval.name == "Week 4" and self.rng.random() < 0.02:
            self._visit(life, owner, Stop(stop.interval, stop.due), deleted=True)

    def _saved(self, key: str, life: Life, at: int) -> int | None:
        """When a page of a visit was saved; None for one forgotten or still to come."""
        if key == "REG":
            return life.screened
        if key in ("SV", "EOS"):  # a visit counts as entered because these are
            return min(at, self.noon)
        forgotten = self.rng.random() < life.site.character.skipped * 0.6
        return None if forgotten or at > self.noon else at

    def _values(self, key: str, life: Life, day: int) -> list[str | None]:
        if key == "EOS":
            return [answers.day_text(day), life.reason or "Completed", ""]
        return MAKERS[key](life.person, day, self.rng)

    def _visit(self, life: Life, owner: Owner, stop: Stop, *, deleted: bool = False) -> int:
        interval, number = stop.interval, next(self.visit_ids)
        due = stop.due
        touched = stop.entered or (life.screened if life.baseline is None else None)
        if touched is None:
            touched = life.stops[1].entered or life.screened
        self._visits(
            number,
            interval.id,
            interval.name,
            owner.subject_id,
            owner.key,
            None if due is None else due - interval.before,
            None if due is None else due + interval.after,
            due,
            stop.day,
            FORMS["SV"].name,
            deleted,
            "SVSTDAT",
            life.screened,
            max(touched, life.screened),
        )
        return number

    def _between(self, life: Life, owner: Owner) -> None:
        """What is not tied to a visit: events, medication, deviations, deficiencies."""
        character = life.site.character
        seen = life.until or life.screened // DAY
        began = life.screened // DAY if life.baseline is None else life.baseline
        share = 0.15 if life.baseline is None else min(1.0, (seen - began + 10) / 190)
        for _ in range(1 + answers.poisson(2.6, self.rng)):
            self._loose("CM", life, owner, began, seen)
        if life.baseline is None:
            return
        for _ in range(answers.poisson(character.events * share, self.rng)):
            event = self._loose("AE", life, owner, began, seen)
            if event and self.rng.random() < 0.3:
                self._loose("CM", life, owner, began, seen, parent=event)
        for _ in range(answers.poisson(character.deviations * share, self.rng)):
            self._loose("DV", life, owner, began, seen)
        for _ in range(answers.poisson(0.3 * share, self.rng)):
            self._loose("DD", life, owner, began, seen)

    def _loose(
        self,
        key: str,
        life: Life,
        owner: Owner,
        first: int,
        last: int,
        parent: tuple[int, int] | None = None,
    ) -> tuple[int, int] | None:
        """A record outside the schedule; returns its id and day, or None if not yet entered."""
        day = self.rng.randint(first, max(first, last)) if parent is None else parent[1]
        saved = max(_entry(life.site, day, self.rng), life.screened + 3600)
        if saved > self.noon:
            return None
        values = MAKERS[key](life.person, day, self.rng)
        entry = Entry(owner, FORMS[key], values, saved, parent=parent[0] if parent else None)
        return self.trail.write(entry), day

    def monitor(self, owner: Owner, noon: int) -> None:
        """The site's own records: a monitoring visit every six weeks or so."""
        site, kind = owner.site, "Initiation"
        at = site.activated + 3 * DAY
        while at <= min(noon, site.closed or noon):
            values = answers.monitoring(kind, at // DAY, self.rng)
            saved = min(noon, at + 2 * DAY)
            self.trail.write(Entry(owner, FORMS["MON"], values, saved))
            at, kind = at + self.rng.randint(35, 49) * DAY, "Interim"
