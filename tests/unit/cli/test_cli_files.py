"""`--to FILE`: whole or not at all, its owner's alone, and nothing on standard output."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Thread

import pytest
from cli_process import Cli
from scripted import Server, refusal
from tables import Table, sites

from imednet_simulator import Simulator

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX file kinds and modes")
WORDS = ("sites", "list", "DEMO")


def files(cli: Cli) -> dict[str, str]:
    """Everything in the folder, drafts included, with its text."""
    return {path.name: path.read_text(encoding="utf-8") for path in cli.folder.iterdir()}


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_file_holds_what_would_be_printed(form: str, cli: Cli) -> None:
    printed = cli(*WORDS, "--output", form)
    assert printed.code == 0
    assert cli(*WORDS, "--output", form, "--to", "out.txt") == (0, "", "")
    assert files(cli) == {"out.txt": printed.out}


@pytest.mark.parametrize(
    "words",
    [["sites", "get", "DEMO", "1"], ["plugins"]],
    ids=["get", "plugins"],
)
def test_other_commands_write_files_too(words: list[str], cli: Cli) -> None:
    printed = cli(*words, "--output", "csv")
    assert cli(*words, "--output", "csv", "--to", "out.csv") == (0, "", "")
    assert files(cli) == {"out.csv": printed.out}
    assert printed.out


@posix
def test_a_file_is_its_owners_alone(cli: Cli) -> None:
    older = cli.folder / "older.csv"
    older.write_text("older")
    older.chmod(0o666)
    for name in ("older.csv", "newer.csv"):
        assert cli(*WORDS, "--output", "csv", "--to", name).code == 0
        assert stat.S_IMODE((cli.folder / name).stat().st_mode) == 0o600


def test_a_path_may_lead_elsewhere(cli: Cli, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    path = elsewhere / "ö.json"
    assert cli(*WORDS, "--output", "json", "--to", str(path)) == (0, "", "")
    assert path.read_text(encoding="utf-8") == cli(*WORDS, "--output", "json").out
    assert [each.name for each in elsewhere.iterdir()] == ["ö.json"]
    assert files(cli) == {}


@pytest.mark.parametrize("older", [None, "older\n"], ids=["new", "over-an-older"])
@pytest.mark.parametrize(
    "environ",
    [{"IMEDNET_API_KEY": "wrong"}, {"IMEDNET_API_KEY": None}],
    ids=["refused", "no-key"],
)
def test_a_call_that_fails_leaves_everything_as_it_was(
    environ: dict[str, str | None], older: str | None, cli: Cli
) -> None:
    if older is not None:
        (cli.folder / "out.csv").write_text(older)
    before = files(cli)
    result = cli(*WORDS, "--output", "csv", "--to", "out.csv", **environ)
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert files(cli) == before


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_list_that_breaks_off_leaves_everything_as_it_was(form: str, cli: Cli) -> None:
    (cli.folder / "out.txt").write_text("older")
    table = Table(sites(*range(1, 10)))
    table.instead[1] = refusal(400, description="enough")
    with Server(table) as broken:
        words = [*WORDS, "--page-size", "4", "--output", form, "--to", "out.txt"]
        result = cli(*words, IMEDNET_BASE_URL=broken.url)
    assert result == (
        1,
        "",
        "imednet: 400 (code 1000) on GET /studies/DEMO/sites: enough\n",
    )
    assert 1 in table.asked
    assert files(cli) == {"out.txt": "older"}


def test_a_get_that_finds_nothing_leaves_no_file(cli: Cli) -> None:
    assert cli("sites", "get", "DEMO", "99", "--to", "out.txt").code == 1
    assert files(cli) == {}


def test_a_folder_that_is_missing(cli: Cli, server: Simulator) -> None:
    path = os.path.join("nowhere", "out.csv")
    result = cli(*WORDS, "--to", path)
    assert result == (1, "", f"imednet: [Errno 2] No such file or directory: {path!r}\n")
    assert not server.requests


@posix
def test_a_folder_is_no_file(cli: Cli, server: Simulator) -> None:
    (cli.folder / "sub").mkdir()
    result = cli(*WORDS, "--to", "sub")
    assert result == (1, "", "imednet: [Errno 21] Is a directory: 'sub'\n")
    assert not server.requests
    assert not list((cli.folder / "sub").iterdir())


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(cli: Cli, server: Simulator) -> None:
    (cli.folder / "locked").mkdir(mode=0o500)
    result = cli(*WORDS, "--to", "locked/out.csv")
    assert result == (1, "", "imednet: [Errno 13] Permission denied: 'locked/out.csv'\n")
    assert not server.requests


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_may_not_be_written_is_refused_before_anything_is_read(
    cli: Cli, server: Simulator
) -> None:
    path = cli.folder / "out.csv"
    path.write_text("older")
    path.chmod(0o400)
    result = cli(*WORDS, "--to", "out.csv")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "imednet: [Errno 13] Permission denied (close it where it is open, make it writable, or "
        "give another file): 'out.csv'\n"
    )
    assert not server.requests
    assert files(cli) == {"out.csv": "older"}


@posix
def test_a_link_is_followed(cli: Cli) -> None:
    (cli.folder / "target.csv").write_text("older")
    link = cli.folder / "link.csv"
    link.symlink_to("target.csv")
    assert cli(*WORDS, "--output", "csv", "--to", "link.csv") == (0, "", "")
    assert link.is_symlink()
    text = cli(*WORDS, "--output", "csv").out
    assert files(cli) == {"link.csv": text, "target.csv": text}


@posix
def test_a_pipe_stays_a_pipe(cli: Cli) -> None:
    pipe = cli.folder / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = Thread(target=lambda: found.append(pipe.read_text()), daemon=True)
    reader.start()
    assert cli(*WORDS, "--output", "csv", "--to", "pipe") == (0, "", "")
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert found == [cli(*WORDS, "--output", "csv").out]
    assert [each.name for each in cli.folder.iterdir()] == ["pipe"]


def test_a_dash_is_standard_output(cli: Cli) -> None:
    assert cli(*WORDS, "--to", "-") == cli(*WORDS)
    assert files(cli) == {}
