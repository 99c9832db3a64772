"""What a study's forms and variables really hold, from one pass over its records.

Memory grows with the number of variables and subjects, not with that of records.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zlib import crc32

import pandas as pd

from imednet.models import Form, Record, Variable

__all__ = ["KINDS", "Blinding", "StudyProfile", "kind_of", "profile"]

_MOMENTS = ("date", "partial date", "datetime", "time")
#: What a variable can be found to be.
KINDS = ("integer", "number", *_MOMENTS, "yes/no", "coded", "text")
#: An answer longer than this is shown cut.
SHOWN = 200

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_PARTIAL = re.compile(r"([0-9]{4})(-([0-9]{2}|UNK?))?(-UNK?)?", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?", re.ASCII)
_YES_NO = frozenset({"yes", "no", "y", "n", "true", "false"})


@dataclass(frozen=True)
class StudyProfile:
    """A study's forms and variables as its records fill them, as two frames.

    `forms`, one row a form in the study's order: `form_key`, `form_name`, `disabled`,
    `records` and `subjects` (deleted records do not count), `deleted` (records), `first_entry`
    and `last_entry` (UTC, NA without records), `variables` (number that have a row below).

    `variables`, one row a variable: `form_key`, `form_name`, `variable_name`, `label`,
    `declared_type` (NA where no variable declares the answer), `declared`, `disabled`,
    `records` (of its form), `answered` (neither null nor empty), `population_rate`
    (answered / records, 0 to 1, NA without records), `inferred_type` (one of KINDS, NA
    without answers), `fit_rate` (share of answers that fit it, 0 to 1), `distinct`
    (different answers, at least so many if not `distinct_complete`), `top_values` (list of
    (answer, count), most frequent first) and `samples` (list of answers).
    """

    forms: pd.DataFrame
    variables: pd.DataFrame

    def masked(self, names: Iterable[str]) -> StudyProfile:
        """Return the profile without the answers of some variables, counts and types kept.

        `names` are variables or FORM.VARIABLE, in any case, as in a configuration's
        `phi_fields`. Their `top_values` and `samples` are empty lists.

        Example:
            >>> one = Record(form_key="DM", record_data={"DOB": "1950-03-02"})
            >>> row = profile([one], [], []).masked(["dm.dob"]).variables.iloc[0]
            >>> int(row["answered"]), row["samples"]
            (1, [])
        """
        wanted = {name.casefold() for name in names}
        short = self.variables["variable_name"].str.casefold()
        long = self.variables["form_key"].str.casefold() + "." + short
        hidden = (short.isin(wanted) | long.isin(wanted)).tolist()
        kept = {
            name: pd.Series(
                [
                    [] if hide else value
                    for hide, value in zip(hidden, self.variables[name], strict=True)
                ],
                index=self.variables.index,
                dtype="object",
            )
            for name in ("top_values", "samples")
        }
        return StudyProfile(self.forms, self.variables.assign(**kept))


def profile(
    records: Iterable[Record],
    forms: Iterable[Form],
    variables: Iterable[Variable],
    *,
    include_blinded: bool = False,
    max_distinct: int = 1000,
    top: int = 10,
    samples: int = 5,
) -> StudyProfile:
    """Profile a study from a stream of its records, its forms and its variables.

    Names are joined without regard to case. Answers that no variable declares have a row
    of their own. Blinded variables are left out, unless `include_blinded`. Counting of
    different answers stops at `max_distinct` a variable. ValueError for a limit below 1.

    Example:
        >>> aeterm = Variable(form_key="AE", variable_name="AETERM", variable_type="TEXT")
        >>> found = profile(
        ...     [Record(form_key="AE", record_id=1, record_data={"aeterm": "Cough"})],
        ...     [Form(form_key="AE")], [aeterm])
        >>> row = found.variables.iloc[0]
        >>> row["variable_name"], float(row["population_rate"]), row["top_values"]
        ('AETERM', 1.0, [('Cough', 1)])
    """
    for name, limit in (("max_distinct", max_distinct), ("top", top), ("samples", samples)):
        if limit < 1:
            raise ValueError(f"{name}: {limit} is below 1: give how many to keep")
    known_forms, known = list(forms), list(variables)
    blinding = Blinding(known, allow=include_blinded)
    tallies = _Tallies(known_forms, known, blinding, max_distinct)
    for record in records:
        tallies.add(record)
    return tallies.frames(top, samples)


class Blinding:
    """Which answers must not be seen, from the study's variables.

    A name is matched without regard to case, on its form. On a form that does not
    declare it, a name that is blinded on any other form counts as blinded. `allow` lets
    everything be seen.
    """

    def __init__(self, variables: Iterable[Variable], *, allow: bool = False) -> None:
        self._declared: dict[tuple[str, str], bool] = {}
        self._anywhere: set[str] = set()
        self._form_keys: dict[int, str] = {}
        for variable in variables:
            form, name = _plain(variable.form_key), _plain(variable.variable_name)
            if variable.form_id is not None and form:
                self._form_keys[variable.form_id] = form
            earlier = self._declared.get((form, name), False)
            hidden = bool(variable.blinded) and not allow
            self._declared[form, name] = earlier or hidden
            if hidden:
                self._anywhere.add(name)

    def __bool__(self) -> bool:
        return bool(self._anywhere)

    def hides(self, form_key: str | None, name: str) -> bool:
        """Tell whether the answer to this question of this form must not be seen."""
        plain = name.casefold()
        if plain not in self._anywhere:
            return False
        return self._declared.get((_plain(form_key), plain), True)

    def form_of(self, record: Record) -> str:
        """Return the key of the record's form, in lower case; empty if it has none."""
        if record.form_key:
            return record.form_key.casefold()
        return self._form_keys.get(record.form_id or -1, "")


@lru_cache(maxsize=1 << 16)
def kind_of(text: str) -> str:
    """Return what an answer looks like: one of KINDS but "coded".

    >>> [kind_of(each) for each in ("7", "7.5", "2024-UN-UN", "09:15", "Yes", "n/a")]
    ['integer', 'number', 'partial date', 'time', 'yes/no', 'text']
    """
    text = text.strip()
    if text.casefold() in _YES_NO:
        return "yes/no"
    if _INTEGER.fullmatch(text):
        return "integer"
    if _NUMBER.fullmatch(text):
        return "number"
    return _kind_of_moment(text)


def _kind_of_moment(text: str) -> str:
    if _TIME.fullmatch(text):
        return "time"
    if not text[:4].isdigit() or len(text) < 7:
        return "text"
    if _PARTIAL.fullmatch(text) and _month_is_one(text):
        return "partial date"
    try:
        if len(text) == 10:
            date.fromisoformat(text)
            return "date"
        datetime.fromisoformat(text)
    except ValueError:
        return "text"
    return "datetime" if ":" in text else "text"


def _month_is_one(text: str) -> bool:
    month = text[5:7]
    return not month.isdigit() or 1 <= int(month) <= 12


def _plain(text: str | None) -> str:
    return (text or "").casefold()


def _as_text(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    return json.dumps(answer, ensure_ascii=False, default=str)


@dataclass
class _Tally:
    """What has been seen of one variable."""

    form_key: str
    name: str
    limit: int
    variable: Variable | None = None
    answered: int = 0
    complete: bool = True
    kinds: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Any) -> None:
        text = _as_text(answer)
        self.answered += 1
        self.kinds[kind_of(text) if len(text) <= 40 else "text"] += 1
        # A long text is told from others by its checksum, and kept cut.
        key = text if len(text) <= SHOWN else f"{text[:SHOWN]}... [{crc32(text.encode()):08x}]"
        if key in self.values or len(self.values) < self.limit:
            self.values[key] += 1
        else:
            self.complete = False

    def inferred(self) -> tuple[str | None, float | None]:
        """Return the type and the share of answers that fit it."""
        if not self.answered:
            return None, None
        for kind, parts in _WIDER:
            fit = sum(self.kinds[part] for part in parts) / self.answered
            if fit >= 0.95 and (kind not in _NEEDS or self.kinds[_NEEDS[kind]]):
                return kind, fit
        few = self.complete and len(self.values) <= 20
        if few and self.answered >= 3 * len(self.values) and max(map(len, self.values)) <= 60:
            return "coded", 1.0
        return "text", 1.0


#: Types in the order tried, and the kinds of answers that fit each.
_WIDER = (
    ("yes/no", ("yes/no",)),
    ("integer", ("integer",)),
    ("number", ("integer", "number")),
    ("partial date", ("date", "partial date")),
    ("date", ("date",)),
    ("datetime", ("datetime",)),
    ("datetime", ("date", "datetime")),
    ("time", ("time",)),
)
#: A type that needs at least one answer of this kind.
_NEEDS = {"number": "number", "partial date": "partial date", "datetime": "datetime"}


@dataclass
class _FormTally:
    """What has been seen of one form."""

    key: str
    form: Form | None = None
    records: int = 0
    deleted: int = 0
    subjects: set[Any] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, record: Record) -> None:
        if record.deleted:
            self.deleted += 1
            return
        self.records += 1
        if record.subject_id is not None or record.subject_key is not None:
            self.subjects.add(record.subject_id or record.subject_key)
        made = record.date_created
        if made is not None:
            self.first = made if self.first is None else min(self.first, made)
            self.last = made if self.last is None else max(self.last, made)


class _Tallies:
    """All forms and variables of a study, counted record by record."""

    def __init__(
        self, forms: list[Form], variables: list[Variable], blinding: Blinding, limit: int
    ) -> None:
        self._blinding, self._limit = blinding, limit
        self._forms = {_plain(f.form_key): _FormTally(f.form_key or "", f) for f in forms}
        self._ids = {form.form_id: _plain(form.form_key) for form in forms}
        self._tallies: dict[tuple[str, str], _Tally] = {}
        # A variable that is gone has a row only if records still answer it.
        self._gone: dict[tuple[str, str], Variable] = {}
        for variable in variables:
            self._declare(variable)

    def _declare(self, variable: Variable) -> None:
        form, name = variable.form_key or "", variable.variable_name or ""
        key = form.casefold(), name.casefold()
        if not name or self._blinding.hides(form, name):
            return
        if variable.deleted:
            self._gone[key] = variable
        elif key not in self._tallies:
            self._tallies[key] = _Tally(form, name, self._limit, variable)

    def add(self, record: Record) -> None:
        form = self._blinding.form_of(record) or self._ids.get(record.form_id, "")
        if form not in self._forms:
            self._forms[form] = _FormTally(record.form_key or "")
        self._forms[form].add(record)
        if record.deleted:
            return
        for name, answer in (record.record_data or {}).items():
            if answer is None or answer == "" or self._blinding.hides(form, name):
                continue
            key = form, name.casefold()
            tally = self._tallies.get(key)
            if tally is None:
                shown = self._forms[form].key
                tally = self._tallies[key] = _Tally(shown, name, self._limit, self._gone.get(key))
            tally.add(answer)

    def frames(self, top: int, samples: int) -> StudyProfile:
        order = {key: number for number, key in enumerate(self._forms)}
        tallies = sorted(self._tallies.values(), key=lambda tally: _place(tally, order))
        counts = Counter(_plain(tally.form_key) for tally in tallies)
        forms = [_form_row(form, counts[key]) for key, form in self._forms.items()]
        rows = [self._variable_row(tally, top, samples) for tally in tallies]
        return StudyProfile(_frame(forms, _FORM_TYPES), _frame(rows, _VARIABLE_TYPES))

    def _variable_row(self, tally: _Tally, top: int, samples: int) -> tuple[Any, ...]:
        form = self._forms.get(_plain(tally.form_key))
        declared, records = tally.variable, form.records if form else 0
        names = (form.form.form_name if form and form.form else None) or (
            declared.form_name if declared else None
        )
        return (
            tally.form_key,
            names,
            tally.name,
            declared.label if declared else None,
            declared.variable_type if declared else None,
            declared is not None,
            bool(declared and (declared.disabled or declared.deleted)),
            records,
            tally.answered,
            tally.answered / records if records else None,
            *tally.inferred(),
            len(tally.values),
            tally.complete,
            tally.values.most_common(top),
            list(tally.values)[:samples],
        )


def _place(tally: _Tally, order: dict[str, int]) -> tuple[int, bool, int, str]:
    """Sort by form, declared variables first and in their order."""
    variable = tally.variable
    sequence = variable.sequence if variable and variable.sequence is not None else 0
    number = order.get(_plain(tally.form_key), len(order))
    return number, variable is None, sequence, tally.name.casefold()


def _form_row(tally: _FormTally, variables: int) -> tuple[Any, ...]:
    form = tally.form
    return (
        tally.key,
        form.form_name if form else None,
        bool(form and form.disabled),
        tally.records,
        len(tally.subjects),
        tally.deleted,
        tally.first,
        tally.last,
        variables,
    )


def _frame(rows: list[tuple[Any, ...]], types: dict[str, str]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for (name, kind), column in zip(types.items(), columns, strict=True)
        }
    )


_FORM_TYPES = {
    "form_key": "string",
    "form_name": "string",
    "disabled": "boolean",
    "records": "Int64",
    "subjects": "Int64",
    "deleted": "Int64",
    "first_entry": "datetime64[us, UTC]",
    "last_entry": "datetime64[us, UTC]",
    "variables": "Int64",
}
_VARIABLE_TYPES = {
    "form_key": "string",
    "form_name": "string",
    "variable_name": "string",
    "label": "string",
    "declared_type": "string",
    "declared": "boolean",
    "disabled": "boolean",
    "records": "Int64",
    "answered": "Int64",
    "population_rate": "Float64",
    "inferred_type": "string",
    "fit_rate": "Float64",
    "distinct": "Int64",
    "distinct_complete": "boolean",
    "top_values": "object",
    "samples": "object",
}
