"""The design of the demo study: forms, their questions, and the schedule of visits.

An asthma trial of an inhaler with a sensor, so that there are doses and devices to go wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imednet_simulator.forms import FORM_TEXTS, FormText

STUDY_KEY = "DEMO"
STUDY_NAME = "SIM-AIR-201: a connected inhaler in moderate asthma"
STUDY_DESCRIPTION = (
    "Invented phase II study: randomised, double-blind, 24 weeks of treatment, "
    "about fourteen months of enrolment"
)

SCREENING, FAILED, ENROLLED = "Screening", "Screen Failure", "Enrolled"
COMPLETED, WITHDRAWN = "Completed", "Withdrawn"
OPEN, CLOSED, NOT_ACTIVE = "Enrollment Open", "Enrollment Closed", "Not Yet Active"
INCOMPLETE, COMPLETE, READY = "Record Incomplete", "Record Complete", "Ready For SDV"
PARTLY, VERIFIED = "Partially Verified", "Verified"

OPTIONAL, BLINDED, DISABLED = "optional", "blinded", "disabled"


@dataclass(frozen=True)
class Item:
    """A question: its name, type and label; `shown` where records spell the name otherwise."""

    name: str
    kind: str
    label: str
    marks: frozenset[str] = frozenset()
    shown: str = ""

    @property
    def disabled(self) -> bool:
        return DISABLED in self.marks

    @property
    def required(self) -> bool:
        return not self.marks


@dataclass(frozen=True)
class Form:
    """A form: `number` is its place, from which the formId follows."""

    number: int
    key: str
    name: str
    items: tuple[Item, ...]
    kind: str = "Subject"
    flags: frozenset[str] = frozenset()

    @property
    def id(self) -> int:
        return 1000 + self.number

    @property
    def live_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.disabled)


@dataclass(frozen=True)
class Interval:
    """A planned visit, `due` days after its anchor, with slack before and after."""

    number: int
    name: str
    group: str
    anchor: str | None
    due: int | None
    before: int = 0
    after: int = 0
    forms: tuple[str, ...] = ()
    disabled: bool = False

    @property
    def id(self) -> int:
        return 100 + self.number


def _item(line: str) -> Item:
    head, label = line.split("|")
    name, kind, *rest = head.split()
    marks = frozenset(word[1:] for word in rest if word[0] == "+")
    shown = next((word[1:] for word in rest if word[0] == "="), name)
    return Item(name, kind, label.strip(), marks, shown)


def _items(text: str) -> tuple[Item, ...]:
    return tuple(_item(line) for line in text.strip().splitlines())


def _form(number: int, text: FormText) -> Form:
    key, name, flags, items = text
    words = frozenset(flags.split())
    kind = "Site" if "site" in words else "Subject"
    return Form(number, key, name, _items(items), kind, words - {"site"})


FORMS: dict[str, Form] = {
    text[0]: _form(number, text) for number, text in enumerate(FORM_TEXTS, start=1)
}

_FIRST = ("REG", "DM", "SV", "VS", "LB", "HE", "SP", "PE")
_BASELINE = ("SV", "VS", "LB", "HE", "SP", "PE", "QS", "EX")
_TREATMENT = ("SV", "VS", "LB", "HE", "SP", "PE", "QS", "DA", "EX")
_LAST = ("SV", "VS", "LB", "HE", "SP", "PE", "DA", "EOS")
_WEEKS = (2, 4, 8, 12, 16, 24)

INTERVALS: tuple[Interval, ...] = (
    Interval(1, "Screening", "Screening", None, None, forms=_FIRST),
    Interval(2, "Baseline", "Treatment", "Screening", 14, 7, 7, _BASELINE),
    *(
        Interval(
            2 + place,
            f"Week {week}",
            "Treatment",
            "Baseline",
            7 * week,
            2 if week < 8 else 4,
            2 if week < 8 else 5,
            _TREATMENT,
        )
        for place, week in enumerate(_WEEKS, start=1)
    ),
    Interval(9, "End of Study", "Follow-up", "Baseline", 182, 7, 7, _LAST),
    Interval(10, "Week 20", "Treatment", "Baseline", 140, 4, 5, ("SV", "PK"), disabled=True),
)
LIVE_INTERVALS = tuple(interval for interval in INTERVALS if not interval.disabled)
GROUPS = {"Screening": 10, "Treatment": 20, "Follow-up": 30}


@dataclass(frozen=True)
class Keyword:
    """A label that users stick on records and subjects."""

    id: int
    key: str
    name: str


KEYWORDS = (
    Keyword(501, "DEE", "Data Entry Error"),
    Keyword(502, "MRV", "Medical Review"),
    Keyword(503, "SAE", "Safety Follow-up"),
    Keyword(504, "LATE", "Late Entry Explained"),
)


@dataclass(frozen=True)
class Character:
    """How a site behaves. `size` is its share of subjects, lags are medians in days."""

    role: str
    size: float = 1.0
    status: str = OPEN
    lag: float = 3.0
    queries: float = 0.05
    answer_days: float = 6.0
    changes: float = 0.10
    deviations: float = 0.4
    events: float = 2.4
    stray: float = 0.04
    skipped: float = 0.02
    checked: float = 0.75


PLAIN = Character("plain")
DIRTY = Character(
    "fast and dirty",
    size=3.0,
    lag=11.0,
    queries=0.19,
    answer_days=24.0,
    changes=0.34,
    deviations=2.2,
    stray=0.16,
    skipped=0.06,
    checked=0.35,
)
SILENT = Character("silent", size=1.1, events=0.0)
DONE = Character("closed", size=0.7, status=CLOSED)
WAITING = Character("not yet active", size=0.0, status=NOT_ACTIVE)


@dataclass
class Site:
    """A site with its character; moments in seconds since 1970."""

    id: int
    name: str
    character: Character
    created: int = 0
    activated: int = 0
    closed: int | None = None
    coordinators: list[str] = field(default_factory=list)
    monitor: str = ""
