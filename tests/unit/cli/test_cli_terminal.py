"""Terminals, pipes and signals: progress where somebody looks, and quiet endings."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Iterator

import pytest
from cli_process import TIMEOUT, Cli
from scripted import Server, reply
from tables import Table

from imednet_simulator import Simulator

if os.name != "posix":
    pytest.skip("pseudo-terminals, signals and shells of POSIX", allow_module_level=True)

from cli_terminal import on_terminal, shown

PROGRESS = re.compile(r"[\d,]+ of [\d,]+ rows")


# --- terminals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_progress_goes_to_a_terminal_and_data_to_the_pipe(form: str, cli: Cli) -> None:
    words = ["subjects", "list", "DEMO", "--page-size", "15", "--output", form]
    plain = cli(*words)
    session = on_terminal(cli, *words, output_too=False)
    assert (session.code, session.out) == (plain.code, plain.out) == (0, plain.out)
    assert PROGRESS.findall(session.raw) == ["15 of 40 rows", "30 of 40 rows", "40 of 40 rows"]
    assert session.screen == [""]
    assert "\x1b" not in session.raw  # which not every console of Windows takes
    assert plain.err == ""


def test_progress_counts_to_the_limit(cli: Cli) -> None:
    words = ["subjects", "list", "DEMO", "--page-size", "15", "--limit", "20"]
    session = on_terminal(cli, *words, output_too=False)
    assert PROGRESS.findall(session.raw) == ["15 of 20 rows", "20 of 20 rows"]


def test_progress_has_thousands_set_off(cli: Cli) -> None:
    session = on_terminal(
        cli, "record-revisions", "list", "DEMO", "--output", "csv", output_too=False
    )
    assert "1,000 of " in session.raw
    assert session.screen == [""]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_progress_leaves_no_trace_between_rows(form: str, cli: Cli) -> None:
    words = ["sites", "list", "DEMO", "--page-size", "2", "--output", form]
    session = on_terminal(cli, *words, output_too=True, columns=500)
    assert session.code == 0
    assert session.screen == [*cli(*words).out.splitlines(), ""]


def test_a_table_on_a_terminal_fits_it(cli: Cli) -> None:
    session = on_terminal(cli, "sites", "list", "DEMO", "--limit", "2", output_too=True, columns=60)
    assert session.code == 0
    header, first, second, note, end = session.screen
    assert header == "study_key  site_id  site_name"
    assert first.split(None, 2)[:2] == ["DEMO", "1"]
    assert second.split(None, 2)[:2] == ["DEMO", "2"]
    assert note == "(3 more columns: use --output csv or json)"
    assert end == ""


def test_a_wide_terminal_shows_every_column(cli: Cli) -> None:
    words = ["sites", "list", "DEMO"]
    session = on_terminal(cli, *words, output_too=True, columns=200)
    assert session.screen == [*cli(*words).out.splitlines(), ""]


def test_an_error_wipes_the_progress(cli: Cli, server: Simulator) -> None:
    session = on_terminal(cli, "sites", "list", "DEMOS", output_too=True, columns=500)
    assert session.code == 1
    assert session.screen == [cli("sites", "list", "DEMOS").err.rstrip("\n"), ""]


@pytest.mark.parametrize("words", [["--help"], ["sites", "list", "--help"]], ids=["main", "list"])
def test_help_on_a_terminal_is_plain_and_not_paged(words: list[str], cli: Cli) -> None:
    session = on_terminal(cli, *words, output_too=True)
    assert session.code == 0
    assert session.raw.replace("\r\n", "\n") == cli(*words).out


def test_usage_on_a_terminal_has_no_escape_codes(cli: Cli) -> None:
    session = on_terminal(cli, "sites", "list", output_too=True)
    assert session.code == 2
    assert session.raw.replace("\r\n", "\n") == cli("sites", "list").err


def test_jobs_wait_tells_each_state_once_on_a_terminal(cli: Cli) -> None:
    states = ["created", "created", "running", "running", "running", "completed"]
    answers = [reply({"jobId": "1", "batchId": "b", "state": state}) for state in states]
    words = ["jobs", "wait", "DEMO", "b", "--interval", "0.01", "--output", "json"]
    with Server(*answers) as its_server:
        there = Cli(cli.folder, {**cli.environ, "IMEDNET_BASE_URL": its_server.url})
        session = on_terminal(there, *words, output_too=False)
    assert session.code == 0
    assert json.loads(session.out)[0]["state"] == "completed"
    assert session.screen == ["b: created", "b: running", "b: completed", ""]


def test_the_screen_is_played_as_a_terminal_does() -> None:
    """Or the tests above would see what no reader sees."""
    assert shown("1 of 2\r      \ra\r\nb") == ["a", "b"]
    assert shown("1 of 2 rows\r\x1b[Ka\r\nb") == ["a", "b"]
    assert shown("\r1 of 2 rows\x1b[Ka") == ["1 of 2 rowsa"]
    assert shown("\r1 of 2\ra") == ["a of 2"]
    assert shown("abc\rx") == ["xbc"]


# --- pipes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_reader_that_leaves_is_no_error(form: str, cli: Cli) -> None:
    """As with `| head -1`: the output is many times what a pipe holds."""
    words = ["record-revisions", "list", "DEMO", "--output", form]
    with cli.start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(TIMEOUT), err) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["sites", "list", "--help"],
        ["sites", "list", "DEMO"],
        ["sites", "count", "DEMO"],
        ["plugins"],
    ],
    ids=" ".join,
)
def test_a_reader_that_was_never_there_is_no_error(words: list[str], cli: Cli) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = cli.start(*words, stdout=writing)
    finally:
        os.close(writing)
    _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("words", "closing", "code"),
    [
        pytest.param(["--version"], ">&-", 0, id="version-no-output"),
        pytest.param(["sites", "list", "DEMO", "--to", "x.txt"], ">&-", 0, id="file-no-output"),
        pytest.param(["sites", "list", "DEMO"], "2>&-", 0, id="list-no-errors"),
        pytest.param(["sites", "list", "DEMO", "--bad"], "2>&-", 2, id="usage-no-errors"),
    ],
)
def test_a_stream_that_is_closed_is_done_without(
    words: list[str], closing: str, code: int, cli: Cli
) -> None:
    shell = Cli(cli.folder, cli.environ, ["sh", "-c"])
    result = shell(f"{shlex.join([*cli.program, *words])} {closing}")
    plain = cli(*words)
    assert result.code == plain.code == code
    assert result.out == ("" if closing == ">&-" else plain.out)
    assert result.err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_a_full_disk_is_one_line(form: str, cli: Cli) -> None:
    with open("/dev/full", "w") as full:
        process = cli.start("sites", "list", "DEMO", "--output", form, stdout=full)
        _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (1, "imednet: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_to_a_pipe_of_another_encoding_is_json(form: str, cli: Cli) -> None:
    row = {"siteId": 1, "siteName": "Zoë \U0001f600"}
    words = ["sites", "list", "DEMO", "--output", form]
    with Server(Table([row])) as its_server:
        result = cli(
            *words, IMEDNET_BASE_URL=its_server.url, PYTHONUTF8="0", PYTHONIOENCODING="ascii"
        )
    assert (result.code, result.err) == (0, "")
    (found,) = json.loads(result.out) if form == "json" else [json.loads(result.out)]
    assert found["siteName"] == row["siteName"]


# --- signals -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow_server() -> Iterator[Simulator]:
    """A server that takes far longer than any test waits."""
    with Simulator(subjects=2, sites=1, latency_ms=300_000) as simulator:
        yield simulator


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["sites", "list", "DEMO"], id="list"),
        pytest.param(["sites", "count", "DEMO"], id="count"),
        pytest.param(["records", "list", "DEMO", "--output", "csv", "--to", "x.csv"], id="file"),
        pytest.param(["jobs", "wait", "DEMO", "x"], id="job"),
    ],
)
def test_ctrl_c_ends_it(words: list[str], cli: Cli, slow_server: Simulator) -> None:
    slow_server.requests.clear()
    keys = {
        "IMEDNET_API_KEY": slow_server.api_key,
        "IMEDNET_SECURITY_KEY": slow_server.security_key,
    }
    with cli.interruptible(*words, IMEDNET_BASE_URL=slow_server.url, **keys) as process:
        end = time.monotonic() + TIMEOUT
        while not slow_server.requests:  # until it waits for its answer
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (130, "", "")
    assert not list(cli.folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_process_told_to_end_leaves_the_older_file_and_no_draft(
    number: signal.Signals, cli: Cli, slow_server: Simulator
) -> None:
    """As a scheduler's time limit does, or a terminal that is closed."""
    slow_server.requests.clear()
    (cli.folder / "x.csv").write_text("older")
    keys = {
        "IMEDNET_API_KEY": slow_server.api_key,
        "IMEDNET_SECURITY_KEY": slow_server.security_key,
    }
    words = ["records", "list", "DEMO", "--to", "x.csv"]
    before = signal.signal(number, signal.SIG_DFL)  # what is ignored here, a child ignores too
    with cli.interruptible(*words, IMEDNET_BASE_URL=slow_server.url, **keys) as process:
        signal.signal(number, before)
        end = time.monotonic() + TIMEOUT
        while not slow_server.requests:
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (128 + number, "", "")
    assert [(each.name, each.read_text()) for each in cli.folder.iterdir()] == [("x.csv", "older")]
