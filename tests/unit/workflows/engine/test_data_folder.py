"""The data folder by platform, and files that only their owner can read."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from imednet.errors import ConfigurationError, ImednetError
from imednet_workflows import data_folder as module
from imednet_workflows.data_folder import Database, StoreError, data_folder, named, stamp, unstamp

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
STATEMENTS = ("CREATE TABLE things (name TEXT NOT NULL)",)


def database(path: Path, layout: int = 1, application: int = 77) -> Database:
    return Database(path, application=application, layout=layout, statements=STATEMENTS)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/u/.local/share/imednet"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/imednet"),
        ("linux", {"XDG_DATA_HOME": "data"}, "/home/u/.local/share/imednet"),
        ("darwin", {}, "/home/u/Library/Application Support/imednet"),
        ("win32", {}, "/home/u/AppData/Local/imednet"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/imednet"),
    ],
    ids=["linux", "xdg", "relative xdg", "macos", "windows", "windows elsewhere"],
)
def test_each_platform_has_its_folder(
    platform: str, environ: dict[str, str], expected: str
) -> None:
    assert module._platform_folder(platform, environ, Path("/home/u")) == Path(expected)


@posix
def test_the_folder_is_made_for_its_owner(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path / "a" / "b"))
    assert not data_folder(create=False).exists()
    assert data_folder() == tmp_path / "a" / "b"
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_relative_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_DATA_DIR", "here")
    with pytest.raises(ConfigurationError) as caught:
        data_folder()
    assert str(caught.value) == (
        "IMEDNET_DATA_DIR: 'here' is not an absolute path: start it with / or a drive"
    )


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path / "file" / "x"))
    with pytest.raises(StoreError) as caught:
        data_folder()
    assert str(caught.value) == (
        f"the data folder {tmp_path / 'file' / 'x'} cannot be made (Not a directory): "
        "set IMEDNET_DATA_DIR to a folder that you may write to"
    )


@posix
def test_file_and_journal_are_private_from_the_first_byte(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "new" / "x.sqlite3"
        with database(path).writing() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            modes = {each.name: mode(each) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"x.sqlite3": 0o600, "x.sqlite3-journal": 0o600}
    assert mode(path.parent) == 0o700


@posix
def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.touch(mode=0o644)
    with database(path).reading():
        assert mode(path) == 0o600


@pytest.mark.parametrize("name", ["a b", "a%20b", "a?b#c", "é"], ids=str)
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    with database(tmp_path / name).writing() as connection:
        connection.execute("INSERT INTO things VALUES ('a')")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_size > 0


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    store = database(tmp_path / "x.sqlite3")

    def halfway() -> None:
        with store.writing() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        halfway()
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone()[0] == 0


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with database(path, layout=3).writing():
        pass
    with pytest.raises(StoreError) as caught, database(path, layout=2).reading():
        pass
    assert str(caught.value) == (
        f"{path} has layout 3, this version of imednet-workflows knows 2: update imednet-workflows"
    )


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with database(path, application=1).writing():
        pass
    with pytest.raises(StoreError) as caught, database(path, application=2).reading():
        pass
    assert str(caught.value) == f"{path} is not a file of this kind: move it away"


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(StoreError) as caught, database(path).reading():
        pass
    assert str(caught.value) == (
        f"{path} is damaged (file is not a database): put a copy of it back, or move it away"
    )
    assert isinstance(caught.value, ImednetError)


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with database(path).writing() as connection:
        connection.executemany("INSERT INTO things VALUES (?)", [("a" * 500,)] * 100)
    path.write_bytes(path.read_bytes()[:9000])
    damaged = pytest.raises(StoreError, match=r"is damaged \(.*malformed\)")
    with damaged, database(path).reading() as connection:
        connection.execute("SELECT * FROM things").fetchall()


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, database(tmp_path).reading():
        pass
    assert str(caught.value) == f"{tmp_path} cannot be used: unable to open database file"


def test_a_busy_file_is_given_up_with_advice(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    store = database(tmp_path / "x.sqlite3")
    with store.writing(), pytest.raises(StoreError) as caught, store.writing():
        pass
    assert str(caught.value) == f"{store.path} has been in use for 0.01 s: try again"


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = database(tmp_path / "x.sqlite3")
    barrier = threading.Barrier(8)

    def write() -> None:
        barrier.wait()
        for _ in range(10):
            with store.writing() as connection:
                (count,) = connection.execute("SELECT count(*) FROM things").fetchone()
                connection.execute("INSERT INTO things VALUES (?)", (str(count),))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as connection:
        names = [int(row[0]) for row in connection.execute("SELECT name FROM things")]
    assert sorted(names) == list(range(80))


OPENER = """
from pathlib import Path
from imednet_workflows.data_folder import Database
store = Database(Path(sys.argv[2]), application=77, layout=1,
    statements=("CREATE TABLE things (name TEXT NOT NULL)",))
go()
with store.reading() as connection:
    connection.execute("SELECT * FROM things").fetchall()
"""


@pytest.mark.parametrize("turn", range(5))
def test_processes_that_make_the_file_at_once_agree(
    tmp_path: Path, together: Any, turn: int
) -> None:
    together(OPENER, 6, tmp_path / f"{turn}.sqlite3")


def test_the_connection_is_closed(tmp_path: Path) -> None:
    with database(tmp_path / "x.sqlite3").reading() as connection:
        pass
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


@pytest.mark.parametrize("who", ["", "  ", None], ids=["empty", "blank", "none"])
def test_a_name_is_required(who: Any) -> None:
    with pytest.raises(ValueError, match="is no name: say who decides this") as caught:
        named(who)
    assert str(caught.value) == f"who: {who!r} is no name: say who decides this"


def test_moments_are_kept_in_utc() -> None:
    there = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=-5)))
    assert unstamp(stamp(there)) == there
    assert unstamp(stamp(there)).tzinfo is UTC
    assert stamp(datetime(2026, 1, 1, tzinfo=UTC)) < stamp(None)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone: give an aware datetime"):
        stamp(datetime(2026, 3, 2))
