"""`imednet` as a process: every resource and flag, jobs, errors, and the commands of plugins."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cli_process import Cli, Result, alone, distribution, until_told

from imednet import ImednetSDK, __version__, cli
from imednet.listing import RESOURCES
from imednet.models import Record, Site
from imednet_simulator import Simulator

SECRET = "nobody-may-see"  # a part of both keys
NAMES = {name: name.replace("_", "-") for name in RESOURCES}
ALL = [pytest.param(name, id=NAMES[name]) for name in RESOURCES]


def study_of(name: str) -> list[str]:
    return [] if name == "studies" else ["DEMO"]


def rows_of(result: Result) -> list[dict[str, Any]]:
    assert (result.code, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def asked(server: Simulator) -> list[tuple[str, list[tuple[str, str]]]]:
    """The requests since the last look, pages in any order, and forgotten by this."""
    found = sorted(
        (urlsplit(path).path, sorted(parse_qsl(urlsplit(path).query)))
        for _, path in server.requests
    )
    server.requests.clear()
    return found


# --- resources -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_list_gives_all_rows(name: str, cli: Cli, sdk: ImednetSDK) -> None:
    found = rows_of(cli(NAMES[name], "list", *study_of(name), "--output", "jsonl"))
    expected = [row.to_dict() for row in getattr(sdk, name).iter(*study_of(name))]
    assert found == expected
    assert expected


@pytest.mark.parametrize("name", ALL)
def test_count_gives_a_number(name: str, cli: Cli, sdk: ImednetSDK, server: Simulator) -> None:
    expected = getattr(sdk, name).count(*study_of(name))
    requests = asked(server)
    assert cli(NAMES[name], "count", *study_of(name)) == (0, f"{expected}\n", "")
    assert asked(server) == requests


@pytest.mark.parametrize("name", ALL)
def test_get_gives_one_row(name: str, cli: Cli, sdk: ImednetSDK) -> None:
    row = getattr(sdk, name).list(*study_of(name))[-1]
    key = str(getattr(row, RESOURCES[name].key))
    words = ["DEMO"] if name == "studies" else ["DEMO", key]
    assert rows_of(cli(NAMES[name], "get", *words, "--output", "jsonl")) == [row.to_dict()]


def test_names_may_be_written_as_in_python(cli: Cli, sdk: ImednetSDK) -> None:
    result = cli("record_revisions", "list", "DEMO", "--record_id", "1", "--output", "jsonl")
    assert rows_of(result) == [r.to_dict() for r in sdk.record_revisions.list("DEMO", record_id=1)]


# --- flags ---------------------------------------------------------------------------------------

FLAGS = [
    pytest.param("sites", "--site-id 3", {"site_id": 3}, id="integer"),
    pytest.param("sites", "--site-id=3", {"site_id": 3}, id="equals-sign"),
    pytest.param(
        "subjects", "--subject-status Enrolled", {"subject_status": "Enrolled"}, id="text"
    ),
    pytest.param("subjects", "--subject-key 05-001", {"subject_key": "05-001"}, id="key"),
    pytest.param(
        "subjects",
        "--subject-status Enrolled --site-id 3 --deleted false",
        {"subject_status": "Enrolled", "site_id": 3, "deleted": False},
        id="several",
    ),
    pytest.param("forms", "--disabled", {"disabled": True}, id="boolean"),
    pytest.param("forms", "--disabled true", {"disabled": True}, id="boolean-true"),
    pytest.param("forms", "--disabled=False", {"disabled": False}, id="boolean-false"),
    pytest.param("forms", "--no-disabled", {"disabled": False}, id="boolean-no"),
    pytest.param("forms", "--disabled --form-key X", {"form_key": "X", "disabled": True}, id="two"),
    pytest.param("records", "--form-key AE", {"form_key": "AE"}, id="records"),
    pytest.param("studies", "--study-key DEMO", {"study_key": "DEMO"}, id="studies"),
    pytest.param("sites", "--filter siteId>3", {"filter": "siteId>3"}, id="filter"),
    pytest.param(
        "sites", "--filter siteId==1,siteId==2", {"filter": "siteId==1,siteId==2"}, id="filter-or"
    ),
    pytest.param(
        "subjects",
        "--filter siteId>3 --subject-status Enrolled",
        {"filter": "siteId>3", "subject_status": "Enrolled"},
        id="filter-and-attribute",
    ),
    pytest.param(
        "records",
        "--record-data-filter SEX==Female --page-size 7",
        {"record_data_filter": "SEX==Female", "page_size": 7},
        id="record-data-filter",
    ),
    pytest.param("users", "--include-inactive", {"include_inactive": True}, id="inactive"),
    pytest.param("users", "--include-inactive false", {"include_inactive": False}, id="active"),
    pytest.param("sites", "--sort site_name,DESC", {"sort": "site_name,DESC"}, id="sort"),
    pytest.param("sites", "--sort siteName", {"sort": "siteName"}, id="sort-as-the-api-says"),
    pytest.param("subjects", "--limit 3", {"limit": 3}, id="limit"),
    pytest.param("subjects", "--page-size 15", {"page_size": 15}, id="page-size"),
    pytest.param(
        "subjects", "--page-size 2 --limit 5", {"page_size": 2, "limit": 5}, id="limited-pages"
    ),
    pytest.param(
        "sites", "--modified-since 2026-01-01", {"modified_since": "2026-01-01"}, id="since"
    ),
    pytest.param(
        "record_revisions",
        "--modified-since 2026-02-20",
        {"modified_since": "2026-02-20"},
        id="revisions-since",
    ),
    pytest.param(
        "codings", "--modified-since 2026-02-01", {"modified_since": "2026-02-01"}, id="coded-since"
    ),
]
#: Of the cases above, those that find nothing: the point is what was asked.
EMPTY = {"two"}


@pytest.mark.parametrize(("name", "words", "arguments"), FLAGS)
def test_flags_ask_for_what_the_sdk_asks_for(
    name: str,
    words: str,
    arguments: dict[str, Any],
    cli: Cli,
    sdk: ImednetSDK,
    server: Simulator,
    request: pytest.FixtureRequest,
) -> None:
    expected = [row.to_dict() for row in getattr(sdk, name).list(*study_of(name), **arguments)]
    requests = asked(server)
    found = rows_of(cli(NAMES[name], "list", *study_of(name), *words.split(), "--output", "jsonl"))
    assert found == expected
    assert asked(server) == requests
    assert bool(expected) is (request.node.callspec.id not in EMPTY)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--site-name", "Bexley Falls Lung Clinic"], id="blanks"),
        pytest.param(["--site-name=x;siteId==1,siteId==2"], id="a-filter-in-a-value"),
        pytest.param(["--site-name", 'say "x"'], id="quotes"),
        pytest.param(["--site-name", "-x"], id="dash"),
        pytest.param(["--site-name=--x"], id="dashes"),
        pytest.param(["--site-name", "True"], id="True"),
        pytest.param(["--site-name", "None"], id="None"),
        pytest.param(["--site-name", "1e5"], id="number"),
        pytest.param(["--site-name", "[1, 2]"], id="list"),
        pytest.param(["--site-name", "Zoë's"], id="letters"),
        pytest.param(["--site-name="], id="empty"),
    ],
)
def test_a_value_is_text_as_it_stands(
    words: list[str], cli: Cli, sdk: ImednetSDK, server: Simulator
) -> None:
    value = words[-1].partition("=")[2] if len(words) == 1 else words[-1]
    expected = sdk.sites.count("DEMO", site_name=value)
    requests = asked(server)
    assert cli("sites", "count", "DEMO", *words) == (0, f"{expected}\n", "")
    assert asked(server) == requests


@pytest.mark.parametrize("flag", ["--site-id 3", "--filter siteId==3"], ids=["attribute", "filter"])
def test_count_takes_conditions(flag: str, cli: Cli) -> None:
    assert cli("subjects", "count", "DEMO", *flag.split()) != cli("subjects", "count", "DEMO")


def test_limit_of_none_asks_nothing(cli: Cli, server: Simulator) -> None:
    assert cli("sites", "list", "DEMO", "--limit", "0") == (0, "", "no rows\n")
    assert not server.requests


@pytest.mark.parametrize(
    "key",
    ["007", "None", "1e5", "True", "[1]", "'x'", "a/b", "Zoë", "-", "x y"],
)
@pytest.mark.parametrize("form", ["word", "flag"])
def test_study_keys_are_text(key: str, form: str, cli: Cli, server: Simulator) -> None:
    words = [key] if form == "word" else [f"--study={key}"]
    result = cli("sites", "count", *words)
    assert result.code == 1
    # The simulator's path is decoded once; what it complains of is the key as it was given.
    assert f"No access to this study [studyKey = {key!r}]" in result.err
    assert len(server.requests) == 1


def test_a_study_key_that_begins_with_a_dash(cli: Cli, server: Simulator) -> None:
    assert "[studyKey = '-x']" in cli("sites", "count", "--study=-x").err
    assert len(server.requests) == 1


# --- output --------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if hasattr(value, "tzinfo") else str(value)


def test_table_is_the_default(cli: Cli, sdk: ImednetSDK) -> None:
    (site,) = sdk.sites.list("DEMO", limit=1)
    cells = [(name, shown(getattr(site, name))) for name in Site.names() if name != "extra"]
    widths = [max(len(name), len(text)) for name, text in cells]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in zip(*cells, strict=True)]
    result = cli("sites", "list", "DEMO", "--limit", "1")
    assert result == (0, "\n".join(lines) + "\n", "")
    assert cli("sites", "list", "DEMO", "--limit", "1", "--output", "table") == result


def test_get_shows_a_line_a_field(cli: Cli, sdk: ImednetSDK) -> None:
    site = sdk.sites.get("DEMO", 1)
    assert cli("sites", "get", "DEMO", "1") == (
        0,
        "study_key               DEMO\n"
        "site_id                 1\n"
        f"site_name               {site.site_name}\n"
        f"site_enrollment_status  {site.site_enrollment_status}\n"
        f"date_created            {shown(site.date_created)}\n"
        f"date_modified           {shown(site.date_modified)}\n",
        "",
    )


def test_json_is_to_dict(cli: Cli, sdk: ImednetSDK) -> None:
    result = cli("records", "list", "DEMO", "--form-key", "AE", "--output", "json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == [r.to_dict() for r in sdk.records.list("DEMO", form_key="AE")]


def expected_cell(value: Any) -> str:
    """A cell of CSV, made another way than the command line makes it."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "tzinfo"):
        return str(value.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if isinstance(value, list):
        return json.dumps([each.to_dict() for each in value], ensure_ascii=False)
    text = str(value)
    number = re.fullmatch(r"[+-]?\d+(\.\d+)?", text)
    return "'" + text if text[:1] in tuple("=+-@\t\r") and not number else text


def test_csv_of_records_has_the_fields_then_a_column_a_question(cli: Cli, sdk: ImednetSDK) -> None:
    result = cli("records", "list", "DEMO", "--output", "csv")
    assert (result.code, result.err) == (0, "")
    rows = sdk.records.list("DEMO")
    fields = [name for name in Record.names() if name not in ("record_data", "extra")]
    questions = list(dict.fromkeys(name for row in rows for name in row.record_data or {}))
    found = list(csv.DictReader(io.StringIO(result.out, newline="")))
    assert list(found[0]) == fields + questions
    assert len(found) == len(rows)
    for row, cells in zip(rows, found, strict=True):
        answers = row.record_data or {}
        assert {name: cells[name] for name in fields} == {
            name: expected_cell(getattr(row, name)) for name in fields
        }
        assert {name: cells[name] for name in questions} == {
            name: expected_cell(answers.get(name)) for name in questions
        }


def test_no_rows(cli: Cli) -> None:
    words = ["sites", "list", "DEMO", "--site-id", "99"]
    assert cli(*words) == (0, "", "no rows\n")
    assert cli(*words, "--output", "json") == (0, "[]\n", "")
    assert cli(*words, "--output", "jsonl") == (0, "", "")
    header = "study_key,site_id,site_name,site_enrollment_status,date_created,date_modified\n"
    assert cli(*words, "--output", "csv") == (0, header, "")


# --- errors: one line, exit code 1, no key -------------------------------------------------------

URL_CURE = "give the server's root, such as https://edc.prod.imednetapi.com."
ERRORS = [
    pytest.param(
        {"IMEDNET_API_KEY": f"wrong-{SECRET}"},
        "401 (code 9001) on GET /studies/DEMO/sites: The header x-api-key is wrong "
        "[x-api-key]. Check the API key and the security key.",
        id="wrong-api-key",
    ),
    pytest.param(
        {"IMEDNET_SECURITY_KEY": f"wrong-{SECRET}"},
        "401 (code 9001) on GET /studies/DEMO/sites: The header x-imn-security-key is wrong "
        "[x-imn-security-key]. Check the API key and the security key.",
        id="wrong-security-key",
    ),
    pytest.param(
        {"IMEDNET_API_KEY": None},
        "api_key is missing: pass api_key=... or set IMEDNET_API_KEY to the key that iMednet "
        "gave you.",
        id="no-api-key",
    ),
    pytest.param(
        {"IMEDNET_SECURITY_KEY": " "},
        "security_key is missing: pass security_key=... or set IMEDNET_SECURITY_KEY to the key "
        "that iMednet gave you.",
        id="blank-security-key",
    ),
    pytest.param(
        {"IMEDNET_API_KEY": f"{SECRET}\n"},
        "api_key holds a line break or another character that no HTTP header can carry (was it "
        "read from a file with its line end?): pass api_key=... or set IMEDNET_API_KEY to the "
        "key that iMednet gave you.",
        id="key-with-a-line-break",
    ),
    pytest.param(
        {"IMEDNET_BASE_URL": "not a url"},
        f"IMEDNET_BASE_URL is 'not a url', which is not a server's URL: {URL_CURE}",
        id="malformed-url",
    ),
    pytest.param(
        {"IMEDNET_BASE_URL": "http://example.com"},
        "IMEDNET_BASE_URL is 'http://example.com': keys and patient data go over https only "
        f"(plain http is for this machine's own loopback address): {URL_CURE}",
        id="plain-http",
    ),
    pytest.param(
        {"IMEDNET_TIMEOUT": "soon"},
        "IMEDNET_TIMEOUT is 'soon': give a number above 0 and up to 86400, in seconds.",
        id="timeout",
    ),
]


@pytest.mark.parametrize(("environ", "message"), ERRORS)
def test_an_error_is_one_line(environ: dict[str, str | None], message: str, cli: Cli) -> None:
    result = cli("sites", "list", "DEMO", **environ)
    assert result == (1, "", f"imednet: {message}\n")
    assert SECRET not in result.err


def test_an_unknown_study(cli: Cli) -> None:
    assert cli("sites", "list", "DEMOS") == (
        1,
        "",
        "imednet: 403 (code 9001) on GET /studies/DEMOS/sites: No access to this study "
        "[studyKey = 'DEMOS']. Check the study key, and that these API keys may read that study.\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ["sites", "get", "DEMO", "99"],
            "404 on GET /studies/DEMO/sites: there is no site_id '99' among the sites",
            id="site",
        ),
        pytest.param(
            ["users", "get", "DEMO", "nobody"],
            "404 on GET /studies/DEMO/users: there is no user_id 'nobody' among the users",
            id="user",
        ),
        pytest.param(
            ["studies", "get", "DEMOS"],
            "404 on GET /studies: there is no study_key 'DEMOS' among the studies",
            id="study",
        ),
        pytest.param(
            ["jobs", "get", "DEMO", "x"],
            "404 (code 9000) on GET /studies/DEMO/jobs/x: No such job [batchId = 'x']",
            id="job",
        ),
        pytest.param(
            ["jobs", "wait", "DEMO", "x"],
            "404 (code 9000) on GET /studies/DEMO/jobs/x: No such job [batchId = 'x']",
            id="job-to-wait-for",
        ),
        pytest.param(
            ["sites", "list", "DEMO", "--sort", "nosuch"],
            "400 (code 1000) on GET /studies/DEMO/sites: sites cannot be sorted by nosuch "
            "[sort = 'nosuch,ASC']",
            id="sort",
        ),
    ],
)
def test_what_is_not_there(words: list[str], message: str, cli: Cli) -> None:
    assert cli(*words) == (1, "", f"imednet: {message}\n")


def test_no_server(cli: Cli) -> None:
    with Simulator(subjects=0, sites=1) as gone:
        url = gone.url
    result = cli("sites", "list", "DEMO", IMEDNET_BASE_URL=url)
    assert result.code == 1
    assert re.fullmatch(
        r"imednet: GET /studies/DEMO/sites got no answer after 4 tries: no connection to "
        r"127\.0\.0\.1 \(.*\)\. Check base_url and the network\.\n",
        result.err,
    )
    assert result.out == ""
    assert SECRET not in result.err


def test_an_answer_that_is_no_api(cli: Cli, server: Simulator) -> None:
    server.fail_next("html")
    result = cli("sites", "list", "DEMO")
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(
        r"imednet: GET /studies/DEMO/sites answered with \d+ bytes of text/html.* that are not "
        r"whole JSON: is a proxy or login page in between, or base_url another server's\?\n",
        result.err,
    )


# --- jobs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study_to_write() -> Iterator[Simulator]:
    with Simulator(subjects=6, sites=2, asof=date(2026, 3, 2)) as simulator:
        yield simulator


@pytest.fixture
def writer(study_to_write: Simulator) -> Iterator[ImednetSDK]:
    keys = study_to_write.api_key, study_to_write.security_key
    with ImednetSDK(*keys, study_to_write.url) as sdk:
        yield sdk


@pytest.fixture
def clerk(study_to_write: Simulator, tmp_path: Path) -> Cli:
    settings = {
        "IMEDNET_BASE_URL": study_to_write.url,
        "IMEDNET_API_KEY": study_to_write.api_key,
        "IMEDNET_SECURITY_KEY": study_to_write.security_key,
    }
    return Cli(tmp_path, settings)


def good_batch(sdk: ImednetSDK) -> str:
    site = sdk.sites.list("DEMO")[0].site_name
    job = sdk.records.create("DEMO", [{"formKey": "REG", "siteName": site, "data": {}}])
    assert job.batch_id is not None
    return job.batch_id


def bad_batch(sdk: ImednetSDK) -> str:
    subject = sdk.subjects.list("DEMO")[0].subject_key
    data = {"AESTDAT": "no date"}
    job = sdk.records.create("DEMO", [{"formKey": "AE", "subjectKey": subject, "data": data}])
    assert job.batch_id is not None
    return job.batch_id


def test_jobs_get_shows_a_job(clerk: Cli, writer: ImednetSDK) -> None:
    batch = good_batch(writer)
    writer.jobs.wait("DEMO", batch, interval=0.01)
    (found,) = rows_of(clerk("jobs", "get", "DEMO", batch, "--output", "jsonl"))
    assert found == writer.jobs.get("DEMO", batch).to_dict()
    assert (found["batchId"], found["state"]) == (batch, "completed")
    result = clerk("jobs", "get", "DEMO", batch)
    assert (result.code, result.err) == (0, "")
    assert f"batch_id       {batch}\nstate          completed\n" in result.out


def test_jobs_wait_ends_with_the_job(clerk: Cli, writer: ImednetSDK) -> None:
    words = ["jobs", "wait", "DEMO", good_batch(writer), "--interval", "0.05", "--output", "jsonl"]
    result = clerk(*words)
    assert result.code == 0
    assert json.loads(result.out)["state"] == "completed"


def test_jobs_wait_fails_with_the_job(clerk: Cli, writer: ImednetSDK) -> None:
    batch = bad_batch(writer)
    assert clerk("jobs", "wait", "DEMO", batch, "--interval=0.05") == (
        1,
        "",
        f"imednet: job {batch} failed: none of its records stand.\n",
    )


def test_jobs_wait_gives_up_in_time(clerk: Cli, writer: ImednetSDK) -> None:
    batch = good_batch(writer)
    result = clerk("jobs", "wait", "DEMO", batch, "--timeout", "0")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        f"imednet: job {batch} is still 'running' after 0 s; it may yet end: wait again, or look "
        "with jobs.get.\n"
    )


# --- version, help, and other ways in ------------------------------------------------------------


def test_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"imednet {__version__}\n", "")


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["-h"], ["help"]], ids=["none", "long", "h", "w"]
)
def test_help(words: list[str], cli: Cli) -> None:
    result = cli(*words)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "imednet: study data from the iMednet EDC, on the command line.\n\n  imednet RESOURCE list"
    )
    for name in [*NAMES.values(), "demo", "simulate", "IMEDNET_API_KEY", "--modified-since"]:
        assert re.search(rf"{name}\b", result.out), name
    assert max(map(len, result.out.splitlines())) <= 100


HELPED = [
    *(
        pytest.param([name, verb], id=f"{name}-{verb}")
        for name, verb in zip(list(NAMES.values()), ["list", "count", "get"] * 4, strict=True)
    ),
    *(
        pytest.param(words.split(), id=words.replace(" ", "-"))
        for words in ("sites", "jobs", "jobs get", "jobs wait", "plugins", "simulate", "demo")
    ),
]


@pytest.mark.parametrize("words", HELPED)
def test_help_of_a_command(words: list[str], cli: Cli, server: Simulator) -> None:
    result = cli(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"NAME\n    imednet {' '.join(words)}")
    assert "\x1b" not in result.out
    assert "\x08" not in result.out
    assert not server.requests


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["sites", "list", "DEMO", "--help"], id="at-the-end"),
        pytest.param(["sites", "list", "-h"], id="short"),
        pytest.param(["sites", "list", "--help", "DEMO"], id="between"),
        pytest.param(["sites", "--help", "list"], id="before"),
        pytest.param(["sites", "list", "DEMO", "--limit", "3", "--help"], id="after-flags"),
    ],
)
def test_help_is_the_same_wherever_it_is_asked_for(
    words: list[str], cli: Cli, server: Simulator
) -> None:
    result = cli(*words)
    assert result == cli("sites", "list", "--help")
    for flag in ("--filter", "--site-id", "--modified-since", "--page-size", "--output", "--to"):
        assert f"\n    {flag}=" in result.out
    assert not server.requests


@pytest.mark.parametrize("colour", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_help_is_plain_where_colours_are_forced(colour: str, cli: Cli) -> None:
    assert cli("sites", "--help", **{colour: "1"}) == cli("sites", "--help")


def test_the_installed_script_does_the_same(cli: Cli) -> None:
    script = Path(sysconfig.get_path("scripts"), "imednet.exe" if os.name == "nt" else "imednet")
    assert script.is_file()
    installed = Cli(cli.folder, {}, [str(script)])
    assert installed("--version") == cli("--version")
    assert installed("sites", "lst") == cli("sites", "lst")


def test_main_takes_words(capsys: pytest.CaptureFixture[str]) -> None:
    from imednet.cli import main

    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr() == (f"imednet {__version__}\n", "")


# --- the commands of packages that may not be there ----------------------------------------------

PACKAGES = {
    "dashboard": ("Dashboard", "imednet-streamlit"),
    "simulate": ("Simulator", "imednet-simulator"),
    "demo": ("Simulator", "imednet-simulator"),
    "workflows": ("Workflows", "imednet-workflows"),
}


@pytest.fixture
def bare(core_alone: Path, tmp_path: Path) -> Cli:
    """The command line of an installation without any plugin."""
    return Cli(tmp_path, {}, alone(core_alone))


@pytest.mark.parametrize(
    "words", [[], ["--port", "8501", "--no-browser"], ["--help"]], ids=["alone", "flags", "help"]
)
@pytest.mark.parametrize("command", PACKAGES)
def test_without_its_package_a_command_says_what_to_install(
    command: str, words: list[str], bare: Cli
) -> None:
    title, package = PACKAGES[command]
    assert bare(command, *words) == (
        1,
        "",
        f"{title} plugin not found. Install it with:\n  pip install {package}\n",
    )


def test_without_plugins_the_core_works(bare: Cli, settings: dict[str, str]) -> None:
    assert bare("plugins") == (0, "", "no rows\n")
    assert bare("plugins", "--output", "json") == (0, "[]\n", "")
    assert "Commands of installed plugins: none\n" in bare("--help").out
    assert bare("sites", "count", "DEMO", **settings) == (0, "6\n", "")


DASHBOARD = """
def dashboard(*, port: int = 8501, no_browser: bool = False) -> None:
    "Show the dashboard."
    print("dashboard", port, no_browser)
"""
WORKFLOWS = """
class Workflows:
    "Ready-made jobs on a study."

    def extract(self, study: str, *, to: str = "data") -> None:
        print("extract", study, to)
"""


@pytest.mark.parametrize(
    ("package", "entry", "source", "words", "said"),
    [
        pytest.param(
            "imednet-streamlit",
            {"dashboard": "module_of_it:dashboard"},
            DASHBOARD,
            "dashboard",
            "dashboard 8501 False\n",
            id="dashboard",
        ),
        pytest.param(
            "imednet-streamlit",
            {"dashboard": "module_of_it:dashboard"},
            DASHBOARD,
            "dashboard --port 8700 --no-browser",
            "dashboard 8700 True\n",
            id="dashboard-flags",
        ),
        pytest.param(
            "imednet-workflows",
            {"workflows": "module_of_it:Workflows"},
            WORKFLOWS,
            "workflows extract 007 --to x",
            "extract 007 x\n",
            id="workflows",
        ),
    ],
)
def test_with_its_package_a_command_runs(
    package: str,
    entry: dict[str, str],
    source: str,
    words: str,
    said: str,
    core_alone: Path,
    tmp_path: Path,
) -> None:
    folder = distribution(tmp_path / "packages", package, entry, {"module_of_it": source})
    cli = Cli(tmp_path, {}, alone(core_alone, folder))
    assert cli(*words.split()) == (0, said, "")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent to a process otherwise on Windows")
@pytest.mark.parametrize(
    ("words", "sign"),
    [
        pytest.param(
            ["simulate", "--port", "0", "--subjects", "5", "--sites", "1"],
            "stops it",
            id="simulate",
        ),
        pytest.param(["demo", "--no-browser"], "stays up at", id="demo"),
    ],
)
def test_with_the_simulator_its_commands_serve_until_ctrl_c(
    words: list[str], sign: str, cli: Cli
) -> None:
    with cli.interruptible(*words, PYTHONUNBUFFERED="1") as process:
        said = until_told(process, r"http://127\.0\.0\.1:\d+", sign)
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url is not None
        keys = {"IMEDNET_API_KEY": "demo-api-key", "IMEDNET_SECURITY_KEY": "demo-security-key"}
        found = cli("studies", "count", IMEDNET_BASE_URL=url[0], **keys)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert found == (0, "1\n", "")
    assert process.returncode == 130
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(OSError(errno.EINVAL, "Invalid argument"), 0, "", id="reader-gone"),
        pytest.param(
            OSError(errno.EINVAL, "Invalid argument", "a?.csv"),
            1,
            "imednet: [Errno 22] Invalid argument: 'a?.csv'\n",
            id="bad-name",
        ),
        pytest.param(
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "imednet: [Errno 28] No space left on device\n",
            id="full",
        ),
    ],
)
def test_on_windows_a_reader_that_left_is_no_bad_name(
    error: OSError,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    monkeypatch.setattr(sys, "platform", "win32")
    assert cli._guarded([]) == code
    assert capsys.readouterr() == ("", said)


def test_a_stream_that_is_missing_takes_every_letter() -> None:
    code = (
        "import sys; from imednet import cli; sys.stdout = None; cli._prepare_streams(); "
        "print('\\u6f22'); sys.stdout.close()"
    )
    changes = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}  # ASCII by default
    environ = {**os.environ, **changes}
    subprocess.run([sys.executable, "-P", "-c", code], env=environ, check=True)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_line_ends_are_written_as_they_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", newline="\r\n")  # as Windows has it
    monkeypatch.setattr(sys, name, stream)
    cli._prepare_streams()
    stream.write('a\r\n"Žluť\nb"\r\n')
    stream.flush()
    assert raw.getvalue() == 'a\r\n"Žluť\nb"\r\n'.encode()
