"""Getting tables for a page, with the progress shown while the study is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from imednet.models import StudyConfiguration
from imednet_streamlit import data
from imednet_streamlit.data import Connection
from imednet_streamlit.progress import Progress, session_pool, watched
from imednet_streamlit.tabled import TABLES, Study
from imednet_workflows.frames import StudyFrames

__all__ = ["Loaded", "Source"]


@dataclass(frozen=True)
class Loaded:
    """Tables by name, the moment they are as of, and when the oldest list was read."""

    tables: dict[str, Any]
    asof: datetime
    read_at: datetime
    config: StudyConfiguration | None

    def __getitem__(self, name: str) -> Any:
        return self.tables[name]


class Source:
    """Where a page gets its tables while it is drawn: each list is taken once, and side by side.

    Even from the cache a large study's lists take a while to unpack, and tables of the
    same lists have much in common.
    """

    def __init__(self, here: Connection) -> None:
        self.here = here
        self.found: dict[str, data.Reading] = {}
        self.progress = Progress()
        self.stamp: tuple[datetime, str] | None = None
        self.study: Study | None = None

    def load(self, *names: str) -> Loaded:
        """Return tables, from the cache or made now; raises `data.Unreadable`."""
        self.progress = Progress()
        return watched(lambda: self._tables(names), self.progress)

    def _tables(self, names: tuple[str, ...]) -> Loaded:
        here = self.here
        asof = data.opened(here.token, here.study_key)
        config, digest = data.configuration(here.study_key)
        made = {name: self._table(name, asof, config, digest) for name in names}
        oldest = min(read_at for _, read_at in made.values())
        return Loaded({name: table for name, (table, _) in made.items()}, asof, oldest, config)

    def _table(
        self, name: str, asof: datetime, config: StudyConfiguration | None, digest: str
    ) -> tuple[Any, datetime]:
        """Return a table and when its oldest list was read; made anew if it is of another time."""

        def make() -> tuple[Any, ...]:
            table = TABLES[name]
            self._find(table.lists)
            self.progress.making = f"Working out {table.called}"
            made = table.of(self._study(config, asof, digest))
            return asof, digest, made, min(self.found[part][1] for part in table.lists)

        here = self.here
        stamped = data.kept(here.token, here.study_key, name, make)
        if stamped[:2] != (asof, digest):
            data.kept.clear(here.token, here.study_key, name)
            stamped = data.kept(here.token, here.study_key, name, make)
        return stamped[2], stamped[3]

    def _find(self, lists: tuple[str, ...]) -> None:
        missing = [name for name in lists if name not in self.found]
        if not missing:
            return
        self.progress.making = ""
        with session_pool(4) as pool:
            tell = self.progress.tell
            readings = pool.map(lambda name: data.fetch(self.here, name, tell), missing)
            self.found |= dict(zip(missing, readings, strict=True))
        if self.study is not None:
            self.study.see(self._frames())

    def _frames(self) -> StudyFrames:
        frames: dict[str, Any] = {}
        for found, _ in self.found.values():
            frames |= found
        return data.study_frames(self.here.study_key, frames)

    def _study(self, config: StudyConfiguration | None, asof: datetime, digest: str) -> Study:
        """Return the study of the lists found; another one when its moment or configuration is."""
        if self.study is None or self.stamp != (asof, digest):
            self.study, self.stamp = Study(self._frames(), config, asof), (asof, digest)
        return self.study
