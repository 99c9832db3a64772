"""Records held against the study before anything of them is sent.

The API refuses a whole batch for one wrong name, and tells nothing of why a job
failed: so each record's form, variables, values, site, interval and subject are
checked here, and every fault of every record is listed at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from imednet import ImednetSDK
from imednet.errors import ImednetError
from imednet.models import Form, Interval, Record, Site, Subject, Variable
from imednet_workflows.lookups import side_by_side

__all__ = ["Fault", "RecordsRefused", "StudyChecker", "Target"]

IDENTITY = {
    "form": ("formKey", "formId"),
    "site": ("siteName", "siteId"),
    "subject": ("subjectKey", "subjectId", "subjectOid"),
    "interval": ("intervalName", "intervalId"),
    "record": ("recordId", "recordOid"),
}
KNOWN = {key for keys in IDENTITY.values() for key in keys} | {"data"}
FEW = 100  # subjects that are asked for by key; with more, all are read


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one record: `record` is its position from 0."""

    record: int
    variable: str  #: the variable, or the key of the record (`siteName`)
    value: Any
    allowed: str

    def __str__(self) -> str:
        return f"record {self.record}: {self.variable} is {self.value!r}: {self.allowed}"


class RecordsRefused(ImednetError, ValueError):
    """Records do not fit the study; nothing was sent. `faults` lists every fault of each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(list(faults))
        self.faults = list(faults)

    def __str__(self) -> str:
        count = len(self.faults)
        head = f"{count} fault{'s' if count != 1 else ''} in the records, nothing was sent:"
        return "\n  ".join([head, *map(str, self.faults)])


@dataclass(frozen=True, slots=True)
class Target:
    """What a record means, found in the study; `item` is what is sent of it."""

    position: int
    kind: str  #: register, site (a record of a site's own), scheduled, new, or change
    form: Form
    site: Site | None
    subject: Subject | None
    interval: Interval | None
    record: Record | None
    item: dict[str, Any]
    numbers: frozenset[str] = frozenset()  #: variables that are compared as numbers
    blinded: frozenset[str] = frozenset()  #: variables whose old value is not shown


class StudyChecker:
    """The parts of a study that records are held against, read once.

    Example:
        >>> checker = StudyChecker.read(sdk, "DEMO", [])
        >>> checker.check([{"formKey": "NOPE", "data": {}}])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        imednet_workflows.record_checks.RecordsRefused: 1 fault in the records, nothing was sent:
          record 0: formKey is 'NOPE': no such form...
    """

    def __init__(
        self,
        forms: Iterable[Form],
        variables: Iterable[Variable],
        sites: Iterable[Site],
        intervals: Iterable[Interval],
        subjects: Iterable[Subject],
        records: Iterable[Record] = (),
    ) -> None:
        self.forms, self.sites = list(forms), list(sites)
        self.intervals = list(intervals)
        self.subjects = [subject for subject in subjects if not subject.deleted]
        self.records = list(records)
        self._found: dict[tuple[str, str], dict[str, list[Any]]] = {}
        self._variables: dict[int | None, dict[str, Variable]] = {}
        for variable in variables:
            if variable.variable_name:
                names = self._variables.setdefault(variable.form_id, {})
                names[variable.variable_name.casefold()] = variable

    @classmethod
    def read(
        cls, sdk: ImednetSDK, study_key: str, records: Sequence[Mapping[str, Any]]
    ) -> StudyChecker:
        """Read what `records` have to be held against, lists side by side."""
        return cls(
            *side_by_side(
                lambda: sdk.forms.list(study_key),
                lambda: sdk.variables.list(study_key),
                lambda: sdk.sites.list(study_key),
                lambda: sdk.intervals.list(study_key),
                lambda: _subjects(sdk, study_key, records),
                lambda: _records(sdk, study_key, records),
            )
        )

    def check(self, records: Sequence[Mapping[str, Any]]) -> list[Target]:
        """Return what each record means; raises RecordsRefused with all faults of all of them."""
        faults: list[Fault] = []
        found = [_Check(self, n, record, faults).target() for n, record in enumerate(records)]
        faults += _doubled(target for target in found if target is not None)
        if faults:
            raise RecordsRefused(faults)
        return [target for target in found if target is not None]

    def named(self, what: str, field: str, rows: Iterable[Any]) -> dict[str, list[Any]]:
        """Return the rows of what is looked for by the text of a field; sorted out once."""
        texts = self._found.get((what, field))
        if texts is None:
            texts = self._found[what, field] = {}
            for row in rows:
                texts.setdefault(str(getattr(row, field)), []).append(row)
        return texts

    def variables_of(self, form: Form) -> dict[str, Variable]:
        """Return the questions of a form by name without case."""
        return self._variables.get(form.form_id, {})


def _subjects(
    sdk: ImednetSDK, study_key: str, records: Sequence[Mapping[str, Any]]
) -> list[Subject]:
    named = [r for r in records if isinstance(r, Mapping) and _given(r, "subject")]
    if not named:
        return []
    keys = {r["subjectKey"] for r in named if isinstance(r.get("subjectKey"), str)}
    if len(keys) <= FEW and all(isinstance(r.get("subjectKey"), str) for r in named):
        return sdk.subjects.list(study_key, subject_key=sorted(keys))
    return sdk.subjects.list(study_key)


def _records(sdk: ImednetSDK, study_key: str, records: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Read the records that items name, so that none is written under another's name."""
    found: list[Record] = []
    for key, field in (("recordId", "record_id"), ("recordOid", "record_oid")):
        named = [r[key] for r in records if isinstance(r, Mapping) and r.get(key) is not None]
        texts = sorted({str(each) for each in named if isinstance(each, (str, int))})
        if field == "record_id":
            texts = [text for text in texts if text.isdecimal()]
        if texts:
            conditions: dict[str, Any] = {field: texts}
            found += sdk.records.list(study_key, **conditions)
    return found


def _doubled(targets: Iterable[Target]) -> Iterator[Fault]:
    """Two items for one record: which of them would stand in the end is left to chance."""
    seen: dict[Any, int] = {}
    for target in targets:
        record = target.record
        if record is not None and record.interval_id is None:
            what: Any = record.record_id
        elif record is not None:
            what = (record.form_id, record.subject_id, record.interval_id)
        elif target.kind == "scheduled" and target.subject and target.interval:
            what = (target.form.form_id, target.subject.subject_id, target.interval.interval_id)
        else:
            continue
        first = seen.setdefault(what, target.position)
        if first != target.position:
            text = f"record {first} writes the same one: put both into one"
            yield Fault(target.position, "record", target.form.form_key, text)


def _given(record: Mapping[str, Any], what: str) -> list[str]:
    return [key for key in IDENTITY[what] if record.get(key) is not None]


class _Check:
    """One record, held against the study; what is wrong goes into `faults`."""

    def __init__(
        self, study: StudyChecker, position: int, record: Any, faults: list[Fault]
    ) -> None:
        self._study, self._position, self._faults = study, position, faults
        self._record = record

    def target(self) -> Target | None:
        if not isinstance(self._record, Mapping):
            self._fault("record", self._record, "give a dict with a form and data")
            return None
        for key in self._record:
            if key not in KNOWN:
                self._fault(
                    key, self._record[key], f"unknown; known are {', '.join(sorted(KNOWN))}"
                )
        form = self._one("form", self._study.forms)
        site = self._one("site", self._study.sites)
        subject = self._one("subject", self._study.subjects)
        interval = self._one("interval", self._study.intervals)
        if form is None:
            if not _given(self._record, "form"):
                self._fault("formKey", None, "every record needs its form")
            return None
        kind = self._kind(form)
        record = self._named_record(form, subject, interval)
        self._scheduled(form, interval)
        if site is not None and subject is not None and subject.site_id != site.site_id:
            key = _given(self._record, "site")[0]
            self._fault(key, self._record[key], f"the subject is of {subject.site_name}")
        item = {key: value for key, value in self._record.items() if value is not None}
        item["data"] = self._data(form)
        item["formKey"] = form.form_key  # required, also where the form was given by id
        named = _folded(item["data"])
        asked = [v for k, v in self._study.variables_of(form).items() if k in named]
        numbers = [v for v in asked if (v.variable_type or "").upper() in _NUMBERS]
        return Target(
            self._position,
            kind,
            form,
            site,
            subject,
            interval,
            record,
            item,
            frozenset(str(v.variable_name) for v in numbers),
            frozenset(str(v.variable_name) for v in asked if v.blinded),
        )

    def _fault(self, variable: str, value: Any, allowed: str) -> None:
        self._faults.append(Fault(self._position, variable, value, allowed))

    def _one(self, what: str, rows: list[Any]) -> Any:
        """Find what a record names by any of its keys; None where it names none, or none is."""
        given = _given(self._record, what)
        if len(given) > 1:
            self._fault(
                given[1], self._record[given[1]], f"{given[0]} is given as well: one will do"
            )
        if not given:
            return None
        key, value = given[0], self._record[given[0]]
        field = re.sub("([A-Z])", r"_\1", key).lower()
        hits = self._study.named(what, field, rows).get(str(value), [])
        off = "deleted" if what == "record" else "disabled"
        usable = [row for row in hits if not getattr(row, off, None)]
        if usable:
            return usable[0]
        # Only those named were read of these, and a subject's key is not for guessing.
        hidden = what in ("subject", "record")
        known = [] if hidden else [str(getattr(row, field)) for row in rows]
        problem = f"the {what} is {off}" if hits else f"no such {what}{_near(value, known)}"
        self._fault(key, value, problem)
        return None

    def _kind(self, form: Form) -> str:
        names = {what: bool(_given(self._record, what)) for what in IDENTITY}
        if names["record"]:
            return "change"
        if names["subject"]:
            return "scheduled" if names["interval"] else "new"
        if not names["site"]:
            text = "give a site to register a subject, or a subject to write a record of one"
            self._fault("subjectKey", None, text)
        if names["interval"]:
            key = _given(self._record, "interval")[0]
            self._fault(key, self._record[key], "an interval needs a subject")
        return "site" if (form.form_type or "").casefold() == "site" else "register"

    def _named_record(
        self, form: Form, subject: Subject | None, interval: Interval | None
    ) -> Record | None:
        """Find the record that is named, and hold what else is named against it."""
        record: Record | None = self._one("record", self._study.records)
        if record is None:
            return None
        key = _given(self._record, "record")[0]
        own = {
            "form": (form.form_id, record.form_id),
            "subject": (subject.subject_id if subject else None, record.subject_id),
            "interval": (interval.interval_id if interval else None, record.interval_id),
        }
        for what, (named, has) in own.items():
            if named is not None and named != has:
                self._fault(key, self._record[key], f"that record is of another {what}")
        return record

    def _scheduled(self, form: Form, interval: Interval | None) -> None:
        if interval is None:
            return
        scheduled = [str(each.form_key) for each in interval.forms or []]
        if form.form_key not in scheduled:
            key = _given(self._record, "interval")[0]
            allowed = f"{form.form_key} is not scheduled there; its forms: {', '.join(scheduled)}"
            self._fault(key, self._record[key], allowed)

    def _data(self, form: Form) -> dict[str, Any]:
        data = self._record.get("data")
        if not isinstance(data, Mapping):
            self._fault("data", data, "give a dict of variable names and values, empty if need be")
            return {}
        questions = self._study.variables_of(form)
        names = [str(variable.variable_name) for variable in questions.values()]
        made: dict[str, Any] = {}
        for name, value in data.items():
            variable = questions.get(str(name).casefold())
            if variable is None:
                text = f"{form.form_key} has no such variable{_near(name, names)}"
                self._fault(str(name), value, text)
            elif variable.disabled or variable.deleted:
                self._fault(str(name), value, "the variable is disabled")
            elif variable.variable_name in made:
                self._fault(str(name), value, f"{variable.variable_name} is given twice")
            else:
                made[str(variable.variable_name)] = self._value(variable, value)
        return made

    def _value(self, variable: Variable, value: Any) -> Any:
        kind = (variable.variable_type or "").strip().upper()
        wanted, reads = _VALUES.get(kind, _ANY_TEXT)
        plain = _plain(value)
        if kind == "DATE" and isinstance(plain, datetime) and plain.time() == time():
            plain = plain.date()  # as the cells of a frame are
        text = as_sent(plain)
        if text is None or (isinstance(text, str) and (not text or reads(text))):
            return text
        self._fault(str(variable.variable_name), value, wanted)
        return None


def as_sent(value: Any) -> Any:
    """Return a value as it is sent: text, None, or (what is no scalar) as it is.

    Numbers are written out plainly, whole floats as whole numbers. What pandas
    and NumPy have for "missing" is None.

    >>> as_sent(True), as_sent(3.0), as_sent(date(2026, 5, 1)), as_sent(float("nan"))
    ('true', '3', '2026-05-01', None)
    """
    value = _plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if not value.second else "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)):
        return _plain_number(value)
    return value


def to_decimal(text: str) -> Decimal | None:
    """Return the number that a text is, exactly; None if it is none."""
    return Decimal(text) if _is_number(text) else None


def _plain(value: Any) -> Any:
    """Return Python's own value for one of NumPy's or pandas'."""
    name = type(value).__name__
    if name in ("NAType", "NaTType"):
        return None
    if not hasattr(value, "item") or getattr(value, "ndim", 1) != 0:
        return value
    plain = value.item()
    if name == "datetime64" and isinstance(plain, int):  # nanoseconds
        return value.astype("datetime64[us]").item()
    return plain


def _plain_number(value: float | Decimal) -> str | None:
    if isinstance(value, int):
        return str(value)
    if value != value:
        return None
    exact = Decimal(str(value))
    whole = exact.is_finite() and exact == exact.to_integral_value()
    return format(exact.to_integral_value() if whole else exact, "f")


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names}


def _near(value: Any, known: Sequence[str]) -> str:
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(str(value).casefold(), folded, 1, 0.5)
    if near:
        return f" (did you mean {folded[near[0]]!r}?)"
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"; there are {shown}" if shown else ""


_PARTIAL = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2]|UN)-UN")
_MOMENT_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


def _is_date(text: str) -> bool:
    whole = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and _parses(date, text)
    return bool(whole or _PARTIAL.fullmatch(text))


def _is_moment(text: str) -> bool:
    whole = _MOMENT_TEXT.fullmatch(text) and _parses(datetime, text)
    return bool(whole) or _is_date(text)


def _is_time(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", text)) and _parses(time, text)


def _parses(kind: Any, text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text))


def _is_integer(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9]+", text))


_Check_ = tuple[str, Callable[[str], bool]]
_DATE: _Check_ = (
    "give a date as YYYY-MM-DD, or partly known as YYYY-MM-UN or YYYY-UN-UN",
    _is_date,
)
_MOMENT: _Check_ = ("give a date and time as YYYY-MM-DD HH:MM", _is_moment)
_NUMBER: _Check_ = ("give a number", _is_number)
_VALUES: dict[str, _Check_] = {
    "INTEGER": ("give a whole number", _is_integer),
    "FLOAT": _NUMBER,
    "NUMBER": _NUMBER,
    "NUMERIC": _NUMBER,
    "DECIMAL": _NUMBER,
    "DATE": _DATE,
    "DATETIME": _MOMENT,
    "TIME": ("give a time as HH:MM", _is_time),
}
_NUMBERS = ("INTEGER", "FLOAT", "NUMBER", "NUMERIC", "DECIMAL")
_ANY_TEXT: _Check_ = (
    "give text, a number, True, False, a date, or None to clear it",
    lambda _: True,
)
