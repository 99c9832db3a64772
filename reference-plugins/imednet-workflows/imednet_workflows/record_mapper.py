"""Records as typed data frames: one row a record, one column a question."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from imednet import ImednetSDK
from imednet.models import Record, Variable, columns
from imednet_workflows.lookups import Name, find_form, find_interval, site_ids

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Plan", "Question", "RecordMapper", "frame_of", "planned"]


class Question(NamedTuple):
    """A question's column: its name in the frame, the variable's own, and what answers become."""

    column: str
    variable: str
    kind: str  #: integer, number, date, moment or text
    partial: str | None  #: the column of partial dates, where the kind has them


class Plan(NamedTuple):
    """The columns of a frame, and every name (without case) that a variable declares."""

    questions: list[Question]
    declared: frozenset[str]


class RecordMapper:
    """`sdk.workflows.record_mapper`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def dataframe(
        self,
        study_key: str,
        form_key: Name | None = None,
        visit_key: Name | None = None,
        use_labels_as_columns: bool = False,
        variables: Sequence[str] | None = None,
        *,
        site: Name | list[Name] | None = None,
        include_blinded: bool = False,
        on_progress: Callable[[int, int], object] | None = None,
        **conditions: Any,
    ) -> pd.DataFrame:
        """Return one row a record: the record's fields, then one column a question.

        The columns are those of the study's variables (of `form_key`, or of all
        forms), so that they are the same whatever the data. Record fields are Int64,
        string, boolean and UTC timestamps; answers are Int64, Float64, dates and
        date-times as `datetime64[us]` (as entered, without a zone), or string. Null and
        empty text are NA. Deleted records are kept, with their flag in `deleted`.

        Beside each date column X stands `X_partial`, the text of dates that are only
        partly known. Names are joined without regard to case; a question named like a
        record field becomes `data.NAME`. Variables of one name on several forms share
        a column, as text where their types differ.

        `frame.attrs["cast_failures"]` lists each answer that its type could not take (a
        dict of record, variable, value), NA in the frame, and each second answer of a
        record that spells one name in two ways;
        `frame.attrs["undeclared_answers"]` counts answers by names that no variable
        declares.

        Args:
            form_key: the form's key, name or id; None is all forms.
            visit_key: the interval's name or id; None is all, unscheduled ones too.
            use_labels_as_columns: name columns by the questions' labels; a label that
                several questions have is followed by the name.
            variables: the questions wanted, by name; None is all that are not blinded.
            site: by name or id, one or several; None is all.
            include_blinded: whether blinded variables are among all; one that is named
                in `variables` is there in any case.
            on_progress: called after each page with rows so far and rows in all.
            conditions: what `sdk.records.list` takes.

        Raises:
            ValueError: a form, interval, site or variable that the study does not have.

        Example:
            >>> frame = sdk.workflows.record_mapper.dataframe("DEMO", "VS", "Week 2")
            >>> str(frame["PULSE"].dtype), str(frame["VSDAT"].dtype)
            ('Int64', 'datetime64[us]')
            >>> frame.attrs["cast_failures"]
            []
        """
        form = None if form_key is None else self._form_key(study_key, form_key)
        plan = self._plan(study_key, form, use_labels_as_columns, variables, include_blinded)
        given = self._conditions(study_key, form, visit_key, site, conditions)
        return frame_of(self._sdk.records.list(study_key, on_progress=on_progress, **given), plan)

    def iter_dataframes(
        self,
        study_key: str,
        form_key: Name | None = None,
        visit_key: Name | None = None,
        use_labels_as_columns: bool = False,
        variables: Sequence[str] | None = None,
        *,
        batch_size: int = 10_000,
        site: Name | list[Name] | None = None,
        include_blinded: bool = False,
        on_progress: Callable[[int, int], object] | None = None,
        **conditions: Any,
    ) -> Iterator[pd.DataFrame]:
        """Yield the same in frames of at most `batch_size` records, in constant memory.

        Every frame has the same columns and types, and its own `attrs`. A study without
        such records yields one empty frame.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}: give a whole number from 1 up")
        form = None if form_key is None else self._form_key(study_key, form_key)
        plan = self._plan(study_key, form, use_labels_as_columns, variables, include_blinded)
        given = self._conditions(study_key, form, visit_key, site, conditions)
        records = self._sdk.records.iter(study_key, on_progress=on_progress, **given)
        return _frames(records, plan, batch_size)

    def _form_key(self, study_key: str, form: Name) -> str:
        return str(find_form(self._sdk.forms.list(study_key), form).form_key)

    def _plan(
        self,
        study_key: str,
        form: str | None,
        labels: bool,
        names: Sequence[str] | None,
        blinded: bool,
    ) -> Plan:
        conditions: dict[str, Any] = {} if form is None else {"form_key": form}
        declared = self._sdk.variables.list(study_key, **conditions)
        return planned(declared, names=names, labels=labels, include_blinded=blinded)

    def _conditions(
        self,
        study_key: str,
        form: str | None,
        visit: Name | None,
        site: Name | list[Name] | None,
        conditions: dict[str, Any],
    ) -> dict[str, Any]:
        given = dict(conditions)
        if form is not None:
            given["form_key"] = form
        if visit is not None:
            intervals = self._sdk.intervals.list(study_key)
            given["interval_id"] = find_interval(intervals, visit).interval_id
        if site is not None:
            given["site_id"] = site_ids(self._sdk, study_key, site)
        return given


def _frames(records: Iterator[Record], plan: Plan, batch_size: int) -> Iterator[pd.DataFrame]:
    batch = list(islice(records, batch_size))
    yield frame_of(batch, plan)
    while batch := list(islice(records, batch_size)):
        yield frame_of(batch, plan)


def planned(
    variables: Iterable[Variable],
    *,
    names: Sequence[str] | None = None,
    labels: bool = False,
    include_blinded: bool = False,
) -> Plan:
    """Plan the columns of a study's questions, by form and sequence.

    Raises ValueError for a name in `names` that no variable has.
    """
    if isinstance(names, str):
        raise ValueError(f"variables is the text {names!r}: give a list of names")
    from imednet_workflows.casting import kind_of

    groups: dict[str, list[Variable]] = {}
    for variable in sorted(variables, key=lambda v: (v.form_id or 0, v.sequence or 0)):
        if variable.variable_name:
            groups.setdefault(variable.variable_name.casefold(), []).append(variable)
    if names is None:
        shown = {k for k, group in groups.items() if include_blinded or not _blinded(group)}
    else:
        shown = {_known(name, groups) for name in names}
    chosen = [group for key, group in groups.items() if key in shown]
    titles = Counter(_title(group, labels).casefold() for group in chosen)
    taken = {column.name.casefold() for column in columns(Record)}
    own = set(titles)  # a column made beside one gives way to these
    made = []
    for group in chosen:
        title = _title(group, labels)
        if titles[title.casefold()] > 1:
            title = f"{title} ({group[0].variable_name})"
        kinds = {kind_of(variable.variable_type) for variable in group}
        kind = kinds.pop() if len(kinds) == 1 else "text"
        column = _free(title, taken)
        partial = None
        if kind in ("date", "moment"):
            partial = _free(f"{column}_partial", taken | own)
            taken.add(partial.casefold())
        made.append(Question(column, str(group[0].variable_name), kind, partial))
    return Plan(made, frozenset(groups))


def _blinded(group: list[Variable]) -> bool:
    return any(variable.blinded for variable in group)


def _known(name: str, groups: dict[str, list[Variable]]) -> str:
    if name.casefold() in groups:
        return name.casefold()
    own = [str(group[0].variable_name) for group in groups.values()]
    near = difflib.get_close_matches(name, own, 1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"there is no variable {name!r} among those asked for{hint}")


def _title(group: list[Variable], labels: bool) -> str:
    return (group[0].label if labels else None) or str(group[0].variable_name)


def _free(name: str, taken: set[str]) -> str:
    """Return a column's name that no other column has, also without regard to case."""
    while name.casefold() in taken:
        name = f"data.{name}"
    taken.add(name.casefold())
    return name


def frame_of(records: Sequence[Record], plan: Plan) -> pd.DataFrame:
    """Return the frame of records that were read already; see `RecordMapper.dataframe`."""
    import pandas as pd

    from imednet_workflows.casting import cast
    from imednet_workflows.frames import series

    answers = [record.record_data or {} for record in records]
    spellings = _spellings(answers)
    made = series(records, Record)
    failures: list[dict[str, Any]] = []
    for question, values, doubled in _taken(answers, plan.questions, spellings):
        done = cast(values, question.kind)
        failures += [
            {"record": records[n].record_id, "variable": name, "value": value}
            for n, name, value in doubled
        ]
        made[question.column] = done.column
        if question.partial is not None:
            made[question.partial] = done.partial
        failures += [
            {"record": records[n].record_id, "variable": question.variable, "value": values[n]}
            for n in done.failed
        ]
    result = pd.DataFrame(made, copy=False)
    result.attrs["cast_failures"] = failures
    undeclared = {n for key, spelt in spellings.items() if key not in plan.declared for n in spelt}
    result.attrs["undeclared_answers"] = _counts(answers, undeclared)
    return result


def _spellings(answers: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return how each question is spelt in the answers, by its name without case."""
    found: dict[str, list[Any]] = {}
    for name in sorted(set().union(*answers)):
        found.setdefault(name.casefold(), []).append(name)
    return found


def _taken(
    answers: list[dict[str, Any]], wanted: list[Question], spellings: dict[str, list[Any]]
) -> Iterator[tuple[Question, list[Any], list[tuple[int, str, Any]]]]:
    """Yield each question with its answers; its name is taken out of `spellings`.

    Last come answers that have no place: a record with two spellings of a name, both
    answered and not alike (position, name, value).

    All answers of a record are taken before those of the next: a record's dict is
    far away in memory, and going there once is three times as fast as once a question.
    """
    names = [spellings.pop(question.variable.casefold(), [None]) for question in wanted]
    width = len(names)
    flat = _flat(answers, [spelt[0] for spelt in names])
    for position, (question, spelt) in enumerate(zip(wanted, names, strict=True)):
        values = flat[position::width]
        doubled: list[tuple[int, str, Any]] = []
        for other in spelt[1:]:
            for n, each in enumerate(answers):
                value = each.get(other)
                if value in (None, ""):
                    continue
                if values[n] in (None, ""):
                    values[n] = value
                elif values[n] != value:
                    doubled.append((n, other, value))
        yield question, values, doubled


def _flat(answers: list[dict[str, Any]], names: list[Any]) -> list[Any]:
    if len(names) > 1:
        with suppress(KeyError):  # all of one form, as most calls ask for
            return list(chain.from_iterable(map(itemgetter(*names), answers)))
    return [get(name) for each in answers for get in (each.get,) for name in names]


def _counts(answers: list[dict[str, Any]], names: set[str]) -> dict[str, int]:
    if not names:
        return {}
    return dict(Counter(name for each in answers for name in each if name in names))
