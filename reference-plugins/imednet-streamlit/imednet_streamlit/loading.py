"""Getting tables for a page, with the progress shown while the study is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from imednet.models import StudyConfiguration
from imednet_streamlit import data
from imednet_streamlit.data import Connection
from imednet_streamlit.progress import Progress, session_pool, watched
from imednet_streamlit.tabled import TABLES
from imednet_workflows.frames import StudyFrames

__all__ = ["Loaded", "load"]


@dataclass(frozen=True)
class Loaded:
    """Tables by name, the moment they are as of, and when the oldest list was read."""

    tables: dict[str, Any]
    asof: datetime
    read_at: datetime
    config: StudyConfiguration | None

    def __getitem__(self, name: str) -> Any:
        return self.tables[name]


def load(here: Connection, *names: str) -> Loaded:
    """Return tables of `TABLES`, from the cache or made now; raises `data.Unreadable`."""
    progress = Progress()
    source = _Source(here, progress)
    return watched(lambda: source.tables(names), progress)


class _Source:
    """The lists of one load: each read once, several side by side."""

    def __init__(self, here: Connection, progress: Progress) -> None:
        self.here, self.progress = here, progress
        self.found: dict[str, data.Reading] = {}

    def tables(self, names: tuple[str, ...]) -> Loaded:
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
            frames, read_at = self._frames(TABLES[name].lists)
            self.progress.making = "Working out the numbers"
            return asof, digest, TABLES[name].make(frames, config, asof), read_at

        here = self.here
        stamped = data.kept(here.token, here.study_key, name, make)
        if stamped[:2] != (asof, digest):
            data.kept.clear(here.token, here.study_key, name)
            stamped = data.kept(here.token, here.study_key, name, make)
        return stamped[2], stamped[3]

    def _frames(self, lists: tuple[str, ...]) -> tuple[StudyFrames, datetime]:
        missing = [name for name in lists if name not in self.found]
        if missing:
            with session_pool(4) as pool:
                readings = pool.map(
                    lambda name: data.fetch(self.here, name, self.progress.tell), missing
                )
                self.found |= dict(zip(missing, readings, strict=True))
        frames: dict[str, Any] = {}
        for name in lists:
            frames |= self.found[name][0]
        read_at = min(self.found[name][1] for name in lists)
        return data.study_frames(self.here.study_key, frames), read_at
