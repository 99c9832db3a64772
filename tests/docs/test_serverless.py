"""The programs of the serverless page, each in a fresh process that has the core in a zip."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import copy_core, environment
from pages import ROOT, blocks

from imednet import ImednetSDK
from imednet_simulator import Simulator

PAGE = ROOT / "docs" / "how-to" / "serverless.md"
HANDLER, RECORDS = blocks(PAGE, "python")
HIDDEN = ["imednet_simulator", "imednet_streamlit", "imednet_workflows", "pandas", "pytest"]
SECRETS = """
import os

def get_generic_secret_string(name):
    return os.environ["SECRET_" + name]
"""
BEGIN = f"""
import json, sys, time
begun = time.perf_counter()
sys.path[:0] = sys.argv[1:]
from importlib.util import find_spec
assert [name for name in {HIDDEN} if find_spec(name)] == []
"""

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one uploads: the zip, made as the page says, and the two programs."""
    folder = tmp_path_factory.mktemp("uploads")
    copy_core(folder / "site")
    (line,) = re.findall(r"^cd site && python3 (.+)$", blocks(PAGE, "sh")[0], re.M)
    subprocess.run([sys.executable, *shlex.split(line)], cwd=folder / "site", check=True)
    (folder / "handler.py").write_text(HANDLER, "utf-8")
    (folder / "study_records.py").write_text(RECORDS, "utf-8")
    return folder


@pytest.fixture
def run(folder: Path, imednet_simulator: Simulator) -> Run:
    """Run code in a Python that has its own library, `paths`, and the settings given."""

    def run(code: str, *paths: Path, keys: tuple[str, str] | None = None, **settings: str) -> Any:
        api, security = keys or (imednet_simulator.api_key, imednet_simulator.security_key)
        told = {"IMEDNET_BASE_URL": imednet_simulator.url, "IMEDNET_API_KEY": api}
        done = subprocess.run(
            [
                *[sys.executable, "-I", "-S", "-W", "error"],
                *["-X", f"snowflake_import_directory={folder}"],
                *["-c", BEGIN + code, *map(str, paths)],
            ],
            env=environment() | told | {"IMEDNET_SECURITY_KEY": security} | settings,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        for secret in (api, security):
            assert not secret or secret not in done.stdout + done.stderr
        return done

    return run


def invoked(done: subprocess.CompletedProcess[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return each answer of the handler as its status and body."""
    assert done.returncode == 0, done.stderr
    return [(each["statusCode"], json.loads(each["body"])) for each in json.loads(done.stdout)]


INVOKE = """
import handler
print(json.dumps([handler.handler(event, None) for event in {events!r}]))
"""


def test_the_handler_tells_what_changed_and_how_queries_stand(
    folder: Path, run: Run, imednet_sdk: ImednetSDK
) -> None:
    event = {"study": "DEMO", "since": "2026-02-20"}
    done = run(INVOKE.format(events=[event]), folder / "core.zip", folder)
    changed = imednet_sdk.records.count("DEMO", modified_since="2026-02-20")
    steps = [query.query_comments or [] for query in imednet_sdk.queries.iter("DEMO")]
    last = [sorted((step.sequence, step.closed) for step in each)[-1:] for each in steps]
    names: dict[bool | None, str] = {True: "closed", False: "open"}
    states = Counter(names[each[0][1]] if each else "unknown" for each in last)
    assert changed > 0
    assert set(states) == {"closed", "open", "unknown"}
    assert invoked(done) == [(200, {**event, "records_changed": changed, "queries": states})]
    assert done.stderr == ""


def test_the_handler_looks_at_yesterday_by_default(folder: Path, run: Run) -> None:
    done = run(
        "from datetime import UTC, datetime, timedelta\n"
        "before = datetime.now(UTC)\n"
        + INVOKE.format(events=[{"study": "DEMO"}])
        + "days = {str((at - timedelta(days=1)).date()) for at in (before, datetime.now(UTC))}\n"
        "print(json.dumps(sorted(days)), file=sys.stderr)",
        folder / "core.zip",
        folder,
    )
    ((status, body),) = invoked(done)
    assert status == 200
    assert body["since"] in json.loads(done.stderr)


def test_the_handler_keeps_its_sdk_from_call_to_call(folder: Path, run: Run) -> None:
    code = """
import handler
first = handler.sdk()
assert handler.handler({"study": "DEMO"}, None)["statusCode"] == 200
pool = first.transport
assert handler.handler({"study": "DEMO"}, None)["statusCode"] == 200
assert handler.sdk() is first and first.transport is pool
print(first.workflows)
"""
    done = run(code, folder / "core.zip", folder)
    assert (done.stdout, done.stderr) == ("<sdk.workflows: not installed>\n", "")


def test_the_handler_reads_again_when_a_connection_breaks(
    folder: Path, fresh_simulator: Simulator, run: Run
) -> None:
    fresh_simulator.fail_next("cut")
    event = {"study": "DEMO"}
    done = run(
        INVOKE.format(events=[event, event]),
        folder / "core.zip",
        folder,
        IMEDNET_BASE_URL=fresh_simulator.url,
    )
    assert [status for status, _ in invoked(done)] == [200, 200]


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"keys": ("", "")}, "ConfigurationError", "IMEDNET_API_KEY"),
        ({"keys": ("no-such-key", "no-such-other")}, "AuthenticationError", "401"),
        ({"IMEDNET_BASE_URL": "http://127.0.0.1:9"}, "RequestError", "got no answer"),
    ],
    ids=["no keys", "wrong keys", "no server"],
)
def test_the_handler_tells_what_went_wrong(
    folder: Path, run: Run, settings: dict[str, Any], kind: str, words: str
) -> None:
    done = run(INVOKE.format(events=[{"study": "DEMO"}]), folder / "core.zip", folder, **settings)
    ((status, body),) = invoked(done)
    assert (status, body["error"]) == (502, kind)
    assert words in body["message"]
    assert f"{kind}: {body['message']}" in done.stderr.splitlines()


def test_the_handler_refuses_events_that_are_not_as_they_should_be(folder: Path, run: Run) -> None:
    events = [{}, None, {"study": ""}, {"study": "DEMO", "since": "1 March"}]
    done = run(INVOKE.format(events=events), folder / "core.zip", folder)
    statuses, messages = zip(*[(s, body["message"]) for s, body in invoked(done)], strict=True)
    assert statuses == (400,) * len(events)
    assert messages[0] == "KeyError: 'study'"
    assert "study_key" in messages[2]
    assert "1 March" in messages[3]


def test_an_unknown_study_is_an_error_not_an_empty_answer(folder: Path, run: Run) -> None:
    done = run(INVOKE.format(events=[{"study": "NOPE"}]), folder / "core.zip", folder)
    ((status, body),) = invoked(done)
    assert (status, body["error"]) == (502, "AuthorizationError")


def test_the_table_function_yields_every_record(
    folder: Path, run: Run, imednet_sdk: ImednetSDK
) -> None:
    code = """
from study_records import Records
print(json.dumps([list(row) for row in Records().process("DEMO", "VS")]))
import imednet
assert "core.zip" in imednet.__file__
"""
    done = run(code, folder)
    assert done.stderr == ""
    expected = [
        [record.record_id, record.subject_key, record.record_status, record.record_data]
        for record in imednet_sdk.records.list("DEMO", form_key="VS", deleted=False)
    ]
    assert len(expected) > 100  # more than a page
    found = [[*row[:3], json.loads(row[3])] for row in json.loads(done.stdout)]
    assert found == expected


def test_the_table_function_takes_its_keys_from_the_warehouse(
    folder: Path, run: Run, tmp_path: Path, imednet_simulator: Simulator
) -> None:
    (tmp_path / "_snowflake.py").write_text(SECRETS, "utf-8")
    done = run(
        "from study_records import Records\nprint(len(next(Records().process('DEMO', 'VS'))))",
        folder,
        tmp_path,
        keys=("", ""),
        SECRET_api_key=imednet_simulator.api_key,
        SECRET_security_key=imednet_simulator.security_key,
    )
    assert (done.stdout, done.stderr) == ("4\n", "")


def test_the_table_function_holds_a_few_pages_at_a_time(folder: Path, run: Run) -> None:
    """Five times as many rows take no more memory at the peak."""
    code = """
import tracemalloc
from study_records import Records

def read():
    return sum(1 for row in Records().process("DEMO", "VS"))

read()  # load what is loaded on first use
tracemalloc.start()
print(read(), tracemalloc.get_traced_memory()[1])
"""
    few, peak = map(int, run(code, folder).stdout.split())
    with Simulator(subjects=200) as larger:
        many, peak_of_many = map(int, run(code, folder, IMEDNET_BASE_URL=larger.url).stdout.split())
    assert many > 4 * few
    assert peak_of_many < 2 * peak


def test_what_the_package_weighs_and_how_soon_it_reads(
    folder: Path, run: Run, record_property: Callable[[str, object], None]
) -> None:
    code = """
from imednet import ImednetSDK
row = next(ImednetSDK().sites.iter("DEMO"))
print(round((time.perf_counter() - begun) * 1000))
"""
    with zipfile.ZipFile(folder / "core.zip") as archive:
        files = archive.infolist()
    compiled = {".so", ".pyd", ".dylib", ".pyc"}
    assert [each.filename for each in files if Path(each.filename).suffix in compiled] == []
    installed = sum(each.file_size for each in files) / 1e6
    record_property("core and dependencies, installed", f"{installed:.2f} MB")
    record_property("the same, zipped", f"{(folder / 'core.zip').stat().st_size / 1e6:.2f} MB")
    for what, path in (("zip", folder / "core.zip"), ("folder", folder / "site")):
        done = run(code, path)
        record_property(f"first row from a {what}, cold", f"{int(done.stdout)} ms")
