"""Where imednet keeps its own files, and SQLite files there that only their owner can read.

The folder is `IMEDNET_DATA_DIR`; without it the platform's own: `~/.local/share/imednet`
(or under `XDG_DATA_HOME`), `~/Library/Application Support/imednet`, or
`%LOCALAPPDATA%\\imednet`. A folder made here has mode 0700, a file 0600 from its first
byte on; a folder that is there already keeps its mode.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from imednet.errors import ConfigurationError, ImednetError

__all__ = ["Database", "StoreError", "data_folder", "named", "stamp", "unstamp"]

#: Seconds to wait for another writer before giving up.
BUSY_SECONDS = 30.0

_FILES = threading.Lock()


class StoreError(ImednetError):
    """A store's file cannot be used, or its content does not allow what was asked for."""


def data_folder(*, create: bool = True) -> Path:
    """Return the folder for imednet's own files, made with mode 0700 unless it is there.

    `create=False` only tells the path. Raises ConfigurationError when
    `IMEDNET_DATA_DIR` is not absolute, StoreError when the folder cannot be made.

    Example:
        >>> os.environ["IMEDNET_DATA_DIR"] = "/srv/imednet"
        >>> str(data_folder(create=False))
        '/srv/imednet'
        >>> del os.environ["IMEDNET_DATA_DIR"]
    """
    folder = _chosen(os.environ) or _platform_folder(sys.platform, os.environ, Path.home())
    if create:
        _make(folder)
    return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the data folder {folder} cannot be made ({error.strerror}): "
            "set IMEDNET_DATA_DIR to a folder that you may write to"
        ) from error


def _chosen(environ: Mapping[str, str]) -> Path | None:
    text = environ.get("IMEDNET_DATA_DIR", "")
    if not text:
        return None
    folder = Path(text).expanduser()
    if not folder.is_absolute():
        raise ConfigurationError(
            f"IMEDNET_DATA_DIR: {text!r} is not an absolute path: start it with / or a drive"
        )
    return folder


def _platform_folder(platform: str, environ: Mapping[str, str], home: Path) -> Path:
    if platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "imednet"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "imednet"
    # By the XDG rules a relative path counts as none.
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else home / ".local" / "share") / "imednet"


def named(who: str) -> str:
    """Return the declared name without blanks around; raises ValueError when nothing is left.

    >>> named(" R. Lind ")
    'R. Lind'
    """
    if not isinstance(who, str) or not who.strip():
        raise ValueError(f"who: {who!r} is no name: say who decides this")
    return who.strip()


def stamp(moment: datetime | None) -> str:
    """Write an aware moment (None: now) as UTC text that sorts; ValueError for a naive one.

    >>> stamp(datetime(2026, 3, 2, 12, tzinfo=UTC))
    '2026-03-02T12:00:00.000000+00:00'
    """
    moment = datetime.now(UTC) if moment is None else moment
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: give an aware datetime, in UTC say")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(text: str) -> datetime:
    """Read what `stamp` wrote.

    >>> unstamp("2026-03-02T12:00:00.000000+00:00")
    datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.fromisoformat(text)


class Database:
    """A private SQLite file with a known layout, opened anew for each transaction.

    So it may be used from any thread, process or fork, and holds nothing open between.
    The journal is SQLite's ordinary one: write-ahead logging needs shared memory, which
    home folders on a network do not have, and transactions here take a millisecond.
    `application` (a number) tells our files from others, `statements` make layout `layout`.
    """

    def __init__(
        self, path: Path, *, application: int, layout: int, statements: tuple[str, ...]
    ) -> None:
        self.path = path
        self._application, self._layout, self._statements = application, layout, statements

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection on which all reads see one moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that alone may write; everything done on it stands, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            self._prepare_file()
            with closing(self._connect()) as connection:
                try:
                    connection.execute("PRAGMA foreign_keys = ON")
                    connection.execute("PRAGMA synchronous = FULL")
                    connection.execute(begin)
                    if self._is_new(connection):
                        connection.execute("ROLLBACK")
                        self._lay_out(connection)
                        connection.execute(begin)
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            raise StoreError(self._explain(error)) from error
        except OSError as error:
            raise StoreError(f"{self.path} cannot be used: {error.strerror or error}") from error

    def _prepare_file(self) -> None:
        """Make the file with its mode before SQLite sees it; its journal takes the same mode.

        The lock: closing a file drops this process's locks on it, SQLite's among them,
        so no thread may have the file open in SQLite while another closes it here.
        """
        _make(self.path.parent)
        with _FILES:
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            elif os.name == "posix" and self.path.stat().st_mode & 0o077:
                self.path.chmod(0o600)

    def _connect(self) -> sqlite3.Connection:
        where = f"{self.path.resolve().as_uri()}?mode=rw"  # never to make it, with its own mode
        connection = sqlite3.connect(where, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        """Tell an empty file from one of ours, in one transaction; refuse all others."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, layout, tables) == (0, 0, 0):
            return True
        if application != self._application:
            raise StoreError(f"{self.path} is not a file of this kind: move it away")
        if layout > self._layout:
            raise StoreError(
                f"{self.path} has layout {layout}, this version of imednet-workflows knows "
                f"{self._layout}: update imednet-workflows"
            )
        return False

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if self._is_new(connection):  # nobody else was quicker
            for statement in self._statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self._application:d}")
            connection.execute(f"PRAGMA user_version = {self._layout:d}")
        connection.execute("COMMIT")

    def _explain(self, error: sqlite3.DatabaseError) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"{self.path} has been in use for {BUSY_SECONDS:g} s: try again"
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return f"{self.path} is damaged ({error}): put a copy of it back, or move it away"
        return f"{self.path} cannot be used: {error}"
