"""What the commands share: where output goes, how frames become rows, flags, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any

from imednet.errors import ConfigurationError, ImednetError
from imednet.output import FORMATS, destination, write
from imednet_workflows.record_checks import RecordsRefused
from imednet_workflows.record_update import RecordOutcome, UpdateError, UpdateResult

if TYPE_CHECKING:
    import pandas as pd

    from imednet.models import StudyConfiguration

__all__ = [
    "Writer",
    "configuration_in",
    "day_of",
    "many",
    "moment_of",
    "records_in",
    "rows_of",
    "say",
    "tell_sent",
    "writing",
]


def configuration_in(path: str | None, study: str) -> StudyConfiguration | None:
    """Read a file's configuration; says so where it was made for another study."""
    from imednet.models import StudyConfiguration

    if path is None:
        return None
    try:
        with open(path, encoding="utf-8-sig") as file:
            found = StudyConfiguration.from_json(file.read())
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8: save it so") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    if found.study_key not in (None, study):
        say(f"{path} is the configuration of study {found.study_key!r}; it is used as it is")
    return found


def records_in(path: str) -> list[dict[str, Any]]:
    from imednet_workflows.record_files import read_records

    try:
        return read_records(path)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def day_of(text: str | None, flag: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{flag} is {text!r}: give a day as YYYY-MM-DD") from None


def moment_of(text: str | None) -> date:
    return day_of(text, "--asof") or datetime.now(UTC)


@contextmanager
def writing(output: str, to: str | None) -> Iterator[Writer]:
    """Open the destination before anything is read or sent; what is unusable is said at once."""
    if output not in FORMATS:
        raise ConfigurationError(f"--output is {output!r}: give one of {', '.join(FORMATS)}")
    if to is not None and not to.strip():
        raise ConfigurationError("--to is empty: give a file's name")
    try:
        with destination(to) as out:
            yield Writer(output, out)
    except RecordsRefused as error:
        for fault in error.faults:
            say(str(fault))
        count = many(len(error.faults), "fault")
        raise ConfigurationError(
            f"{count} in the records (counted from 0), nothing was sent."
        ) from None
    except ImednetError:
        raise
    except ValueError as error:
        if not _refusal(error):
            raise  # a fault of the program, to be seen whole
        raise ConfigurationError(str(error)) from error


def _refusal(error: ValueError) -> bool:
    """Tell whether imednet said this of a name or number it was given, and not a library."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    home = str(frame.tb_frame.f_globals.get("__name__")) if frame is not None else ""
    return home.partition(".")[0] in ("imednet", "imednet_workflows")


class Writer:
    """Writes a command's rows in the format asked for."""

    def __init__(self, output: str, out: IO[str]) -> None:
        self._output, self._out = output, out

    def __call__(self, rows: Iterable[Any], names: Iterable[str] = ()) -> None:
        write(rows, self._output, self._out, names)

    def frame(self, frame: pd.DataFrame) -> None:
        names = [str(name) for name in frame.columns]
        self(rows_of(frame, round_to=3 if self._output == "table" else None), names)

    def events(self, events: Iterable[Any], kind: Any) -> None:
        self(map(asdict, events), [each.name for each in fields(kind)])

    def outcomes(self, send: Callable[[], UpdateResult]) -> ImednetError | None:
        """Send, and show what became of each record, also where it broke off.

        Returns the error that is to end the command, once the table is written. Of
        Ctrl-C, or a request to end, it tells what had been sent by then.
        """
        failure: ImednetError | None = None
        try:
            result = send()
        except KeyboardInterrupt as stopped:  # also a request to end, on the command line
            for note in getattr(stopped, "__notes__", ()):
                say(note)
            raise
        except UpdateError as error:
            if error.result is None:
                raise
            failure, result = ImednetError(f"{error.__cause__}"), error.result
        self(map(_outcome, result.records), OUTCOME)
        wrong = sum(not outcome.stands for outcome in result.records)
        if wrong and failure is None:
            text = (
                f"{wrong} of {many(len(result.records), 'record')} do not stand as they were sent."
            )
            failure = ImednetError(text)
        return failure


OUTCOME = ("record", "kind", "state", "batch_id", "record_id", "subject_key", "does_not_stand")


def _outcome(outcome: RecordOutcome) -> dict[str, Any]:
    wrong = (f"{d.variable}: sent {d.sent!r}, found {d.found!r}" for d in outcome.differences or ())
    cells = (
        outcome.position,
        outcome.kind,
        outcome.state,
        outcome.batch_id,
        outcome.record_id,
        outcome.subject_key,
        "; ".join(wrong),
    )
    return dict(zip(OUTCOME, cells, strict=True))


def rows_of(frame: pd.DataFrame, round_to: int | None) -> Iterable[dict[str, Any]]:
    """Yield a frame's rows with plain values; `round_to` is decimals of floats, None for all.

    NA is None. A column without a zone that has no time of day anywhere holds dates.
    """
    import pandas as pd

    names = [str(name) for name in frame.columns]
    dates = {name for name in names if _is_dates(frame[name])}
    for cells in frame.itertuples(index=False, name=None):
        row: dict[str, Any] = {}
        for name, cell in zip(names, cells, strict=True):
            nested = isinstance(cell, (list, tuple, dict))
            value: Any = None if not nested and pd.isna(cell) else cell
            if isinstance(value, pd.Timestamp):
                value = value.date() if name in dates else value.to_pydatetime()
            elif isinstance(value, float) and round_to is not None:
                value = round(value, round_to)
            row[name] = value.item() if hasattr(value, "item") else value
        yield row


def _is_dates(column: pd.Series[Any]) -> bool:
    if column.dtype.kind != "M" or getattr(column.dtype, "tz", None) is not None:
        return False
    return bool((column.dropna() == column.dropna().dt.normalize()).all())


def many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def tell_sent(done: int, total: int) -> None:
    if sys.stderr.isatty():
        say(f"{done} of {total} records sent")


def say(text: str) -> None:
    print(text, file=sys.stderr)
