"""SDTM XPORT files: a folder of them read as domains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imednet_simulator.store import Study


class XptError(ValueError):
    """A folder that cannot be served as a study; the message is one line."""


@dataclass
class Domain:
    """One file: columns of values (text or number, None where missing) with their labels."""

    name: str
    label: str
    columns: dict[str, list[Any]]
    labels: dict[str, str]
    numeric: set[str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, *names: str) -> list[Any]:
        """The first of these columns that exists, else all None; empty text reads as None."""
        for name in names:
            if name in self.columns:
                return [None if value == "" else value for value in self.columns[name]]
        return [None] * len(self)


def load(folder: Path) -> Study:
    """The study in a folder of XPORT files; XptError, in one line, when there is none."""
    from imednet_simulator.sdtm import build

    domains = {domain.name: domain for domain in map(_read, _files(folder))}
    if "DM" not in domains:
        names = ", ".join(sorted(domains))
        raise XptError(f"{folder} has no DM domain, which names the subjects (found: {names})")
    return build(domains, folder.resolve().name)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise XptError(f"{folder} is not a folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xpt")
    if not files:
        raise XptError(f"{folder} holds no .xpt file")
    return files


def _read(path: Path) -> Domain:
    import pyreadstat

    try:
        try:
            data, about = pyreadstat.read_xport(path, output_format="dict")
        except UnicodeDecodeError:
            data, about = pyreadstat.read_xport(path, output_format="dict", encoding="LATIN1")
    except Exception as error:  # pyreadstat raises several kinds, some bare
        text = " ".join(str(error).split())
        raise XptError(f"{path} cannot be read as a SAS XPORT file: {text}") from error
    kinds = about.readstat_variable_types
    return Domain(
        name=(about.table_name or path.stem).upper(),
        label=about.file_label or "",
        columns={name: _values(values) for name, values in data.items()},
        labels={name: label or name for name, label in about.column_names_to_labels.items()},
        numeric={name for name, kind in kinds.items() if kind != "string"},
    )


def _values(values: Iterable[Any]) -> list[Any]:
    """Plain values; not-a-number becomes None."""
    return [None if value is None or value != value else value for value in values]
