"""`imednet workflows ...`, held against what the SDK and the metrics say themselves.

Processes, but for lines that only end in a refusal: those run in this one.
"""

from __future__ import annotations

import csv
import inspect
import io
import json
import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest
from cli_process import Cli, Result

from imednet import ImednetSDK
from imednet import cli as cli_module
from imednet.cli import main
from imednet.errors import ConfigurationError, ImednetError
from imednet.models import SiteTarget, StudyConfiguration
from imednet.output import guarded
from imednet_simulator import Simulator
from imednet_simulator.errors import RefusedError
from imednet_simulator.jobs import Jobs
from imednet_workflows import Workflows, commands, metric_commands, metrics
from imednet_workflows.frames import StudyFrames, study_frames
from imednet_workflows.lookups import find_site
from imednet_workflows.profiling import profile
from imednet_workflows.record_update import Difference, RecordOutcome, UpdateResult
from imednet_workflows.terminal import Writer, rows_of, writing

API_KEY, SECURITY_KEY = "api-key-nobody-may-see", "security-key-nobody-may-see"
ASOF = date(2026, 3, 2)
SITE = "Corvane General Hospital"
CSV = ("--output", "csv")
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX file modes and terminals")


# --- what is asked, and how ----------------------------------------------------------------------


def simulator() -> Simulator:
    return Simulator(
        subjects=40, sites=6, seed=1, asof=ASOF, api_key=API_KEY, security_key=SECURITY_KEY
    )


def connected(server: Simulator) -> ImednetSDK:
    return ImednetSDK(API_KEY, SECURITY_KEY, server.url)


def settings(server: Simulator) -> dict[str, str]:
    return {
        "IMEDNET_BASE_URL": server.url,
        "IMEDNET_API_KEY": API_KEY,
        "IMEDNET_SECURITY_KEY": SECURITY_KEY,
    }


class Workflow(Cli):
    """Runs `imednet workflows WORD ...` against one server, in a folder of its own."""

    def __init__(self, folder: Path, server: Simulator) -> None:
        folder.mkdir()
        super().__init__(folder, settings(server), (sys.executable, "-m", "imednet", "workflows"))
        self.server = server

    def file(self, name: str, content: str | bytes | list[dict[str, Any]]) -> str:
        """Write a file into the folder; rows as JSON."""
        text = json.dumps(content) if isinstance(content, list) else content
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def posts(self) -> int:
        return sum(method == "POST" for method, _ in self.server.requests)


@pytest.fixture(scope="module")
def read_server() -> Iterator[Simulator]:
    """40 subjects at 6 sites, only for reading."""
    with simulator() as server:
        yield server


@pytest.fixture
def cli(tmp_path: Path, read_server: Simulator) -> Workflow:
    read_server.requests.clear()
    return Workflow(tmp_path / "work", read_server)


@pytest.fixture
def run(
    cli: Workflow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """The same line without a process of its own."""

    def ended(*words: str, at: Workflow = cli, **environ: str | None) -> Result:
        for name, value in (settings(at.server) | environ).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        monkeypatch.chdir(at.folder)
        with pytest.raises(SystemExit) as leaving:
            main(["workflows", *words])
        return Result(leaving.value.code or 0, *capsys.readouterr())  # type: ignore[arg-type]

    return ended


@pytest.fixture(scope="module")
def sdk(read_server: Simulator) -> Iterator[ImednetSDK]:
    with connected(read_server) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def frames(sdk: ImednetSDK) -> StudyFrames:
    return study_frames(sdk, "DEMO")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    """The same study on a server of the test's own, whose jobs end at the next request."""
    monkeypatch.setattr("imednet_simulator.jobs.SETTLES_AFTER", -1)
    with simulator() as server:
        yield Workflow(tmp_path / "own", server)


@pytest.fixture
def subject(sdk: ImednetSDK) -> str:
    """One with vitals in Week 2."""
    return sdk.subjects.list("DEMO", subject_status="Enrolled", limit=1)[0].subject_key or ""


def parsed(result: Result, code: int = 0) -> list[dict[str, str]]:
    """The rows of a CSV; nothing may stand on standard error."""
    assert (result.code, result.err) == (code, "")
    return list(csv.DictReader(io.StringIO(result.out, newline="")))


def failed(result: Result, *words: str) -> None:
    """A named error: one line that holds these words, no data, no key."""
    assert (result.code, result.out) == (1, "")
    told(result.err, *words)


def told(err: str, *words: str) -> None:
    assert err.startswith("imednet: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "nobody-may-see" not in err
    for word in words:
        assert word in err


def refused(result: Result, *faults: tuple[str, ...]) -> None:
    """Records that do not fit: a line a fault, which holds these words, and their count."""
    assert (result.code, result.out) == (1, "")
    *lines, last = result.err.splitlines(keepends=True)
    told(last, f"{len(faults)} fault{'' if len(faults) == 1 else 's'} ", "nothing was sent")
    for line, words in zip(lines, faults, strict=True):
        for word in words:
            assert word in line


def text_of(value: Any) -> str:
    """A frame's value as a CSV has it."""
    if isinstance(value, (list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        if value.tzinfo is None:
            assert value == value.normalize(), "moments without a zone are compared elsewhere"
            return value.date().isoformat()
        return value.tz_convert(None).isoformat() + "Z"
    value = value.item() if hasattr(value, "item") else value
    return str(value).lower() if isinstance(value, bool) else guarded(str(value))


def texts(frame: pd.DataFrame) -> list[dict[str, str]]:
    rows = frame.itertuples(index=False, name=None)
    return [dict(zip(frame.columns, map(text_of, row), strict=True)) for row in rows]


def named(frame: pd.DataFrame, frames: StudyFrames) -> pd.DataFrame:
    """A table with the names of its sites beside their ids."""
    if "site_id" not in frame or "site_name" in frame:
        return frame
    names = dict(zip(frames.sites["site_id"], frames.sites["site_name"], strict=True))
    columns = list(frame.columns)
    columns.insert(columns.index("site_id") + 1, "site_name")
    return frame.assign(site_name=[names.get(i) for i in frame["site_id"]])[columns]


# --- help ----------------------------------------------------------------------------------------


def all_commands() -> Iterator[tuple[tuple[str, ...], Callable[..., Any]]]:
    made = commands.Commands()
    for name, part in inspect.getmembers(made):
        if name.startswith("_"):
            continue
        if callable(part):
            yield (name.replace("_", "-"),), part
        else:
            for inner, command in inspect.getmembers(part, callable):
                if not inner.startswith("_"):
                    yield (name.replace("_", "-"), inner.replace("_", "-")), command


COMMANDS = dict(all_commands())


def test_there_are_the_documented_commands() -> None:
    assert {words[0] for words in COMMANDS} == {
        *("extract-records", "audit-trail", "queries", "subject", "structure", "profile"),
        *("metrics", "register", "update"),
    }
    assert {words[1] for words in COMMANDS if words[0] == "queries"} == {
        *("open", "by-site", "ageing"),
    }
    assert {words[1] for words in COMMANDS if words[0] == "metrics"} == {
        name.replace("_", "-") for name in metric_commands.TABLES
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_has_help(words: tuple[str, ...], run: Callable[..., Result]) -> None:
    code, out, err = run(*words, "--help")
    assert (code, err) == (0, "")
    assert out.isascii()
    assert "\x1b" not in out
    command = COMMANDS[words]
    about = inspect.getdoc(command) or ""
    assert f"imednet workflows {' '.join(words)} - {about.splitlines()[0]}" in out
    for name, parameter in inspect.signature(command).parameters.items():
        if parameter.default is parameter.empty:
            assert f"\n    {name.upper()}\n" in out
        else:
            assert f"\n    --{name.replace('_', '-')}=" in out
        (line,) = [row for row in about.splitlines() if row.strip().startswith(f"{name}: ")]
        assert line.partition(": ")[2] in out


def shows_its_menu(result: Result, words: tuple[str, ...]) -> None:
    assert (result.code, result.err) == (0, "")
    assert result.out.isascii()
    assert "\x1b" not in result.out
    for path in COMMANDS:
        if path[: len(words)] == words:
            assert f"\n     {path[len(words)]}\n" in result.out


@pytest.mark.parametrize("words", [("queries",), ("metrics",)], ids=" ".join)
def test_each_menu_has_help(words: tuple[str, ...], run: Callable[..., Result]) -> None:
    shows_its_menu(run(*words, "--help"), words)


def test_help_needs_no_study(cli: Workflow) -> None:
    shows_its_menu(cli("--help", IMEDNET_BASE_URL=None, IMEDNET_API_KEY=None), ())


# --- lines that make no sense --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "needs one of"),
        ("metrics", "needs one of"),
        ("metrics nope DEMO", "'nope'"),
        ("queries opne DEMO", "did you mean open"),
        ("extract-records", "STUDY is missing"),
        ("subject DEMO", "SUBJECT is missing"),
        ("update DEMO", "FILE is missing"),
        ("structure DEMO --variable", "did you mean --variables"),
        ("metrics kris DEMO --kri 1", "--kri"),
        ("update DEMO u.csv --batch-size many", "a whole number"),
        ("update DEMO u.csv --dry-run maybe", "'maybe'"),
        ("extract-records DEMO --form", "--form needs a value"),
    ],
    ids=lambda text: text if " " not in text else None,
)
def test_a_line_that_makes_no_sense(
    line: str, word: str, cli: Workflow, run: Callable[..., Result]
) -> None:
    result = run(*line.split())
    assert (result.code, result.out) == (2, "")
    told(result.err, word, "--help")
    assert not cli.server.requests


# --- metrics -------------------------------------------------------------------------------------

Table = Callable[[StudyFrames, date], pd.DataFrame]
TARGETS = StudyConfiguration(targets={"Corvane General Hospital": SiteTarget(planned=60)})
EXPECTED: dict[str, Table] = {
    "query_state": lambda f, at: metrics.query_state(f, asof=at),
    "query_rates": lambda f, at: metrics.query_rates(f, asof=at, by="site_id"),
    "query_flux": lambda f, at: metrics.query_flux(f, asof=at),
    "time_to_resolve": lambda f, at: metrics.time_to_resolve(
        metrics.query_state(f, asof=at), asof=at
    ),
    "median_time_to_resolve": lambda f, at: metrics.median_time_to_resolve(
        metrics.query_state(f, asof=at), asof=at, by="site_id"
    ),
    "reopen_rate": lambda f, at: metrics.reopen_rate(metrics.query_state(f, asof=at), by="site_id"),
    "forecast": lambda f, at: metrics.forecast_enrolment(f, TARGETS, asof=at).days,
    "enrolment_funnel": lambda f, at: metrics.enrolment_funnel(f, asof=at),
    "enrolment_curve": lambda f, at: metrics.enrolment_curve(f, asof=at),
    "visits": lambda f, at: metrics.visit_status(f, asof=at),
    "missing_pages": lambda f, at: metrics.missing_pages(metrics.expected_pages(f, asof=at)),
    "completion": lambda f, at: metrics.completion(
        metrics.expected_pages(f, asof=at), by="form_key"
    ),
    "completion_by_site": lambda f, at: metrics.completion(
        metrics.expected_pages(f, asof=at), by="site_id"
    ),
    "completion_by_subject": lambda f, at: metrics.completion(
        metrics.expected_pages(f, asof=at), by="subject_id"
    ),
    "pages": lambda f, at: metrics.expected_pages(f, asof=at),
    "entry_lag": lambda f, at: metrics.entry_lag_summary(
        metrics.entry_lag(f, asof=at), by="site_id"
    ),
    "sdv": lambda f, at: metrics.sdv_progress(f, asof=at, by="site_id"),
    "clean_subjects": lambda f, at: metrics.clean_subjects(f, asof=at),
    "kris": lambda f, at: metrics.kri_table(f, asof=at),
    "kris_leave_one_out": lambda f, at: metrics.kri_table(f, asof=at, method="leave_one_out"),
    "kri_trend": lambda f, at: metrics.kri_trend(f, asof=at),
    "risk_scores": lambda f, at: metrics.risk_scores(metrics.kri_table(f, asof=at)),
    "unknown_words": lambda f, at: metrics.unknown_words(f),
}


def test_every_table_is_looked_at() -> None:
    assert set(EXPECTED) == set(metric_commands.TABLES)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_metric_is_what_its_function_gives(name: str, cli: Workflow, frames: StudyFrames) -> None:
    words = ("metrics", name.replace("_", "-"), "DEMO", "--asof", ASOF.isoformat())
    if name == "forecast":  # needs targets, else it says why there is none
        targets = {"Corvane General Hospital": {"planned": 60}}
        content = json.dumps({"studyKey": "DEMO", "targets": targets})
        words += ("--config", cli.file("targets.json", content))
    result = cli(*words, *CSV)
    expected = named(EXPECTED[name](frames, ASOF), frames)
    assert result.out.partition("\n")[0].split(",") == list(expected.columns)
    assert parsed(result) == texts(expected)
    assert name == "unknown_words" or len(expected)


def test_a_metric_reads_a_configuration(cli: Workflow, frames: StudyFrames) -> None:
    content = {"statuses": {"enrolled": ["Screening"]}, "targets": {SITE: {"planned": 60}}}
    path = cli.file("study.json", json.dumps(content))
    result = cli(
        "metrics", "enrolment-funnel", "DEMO", "--config", path, "--asof", "2026-03-02", *CSV
    )
    config = StudyConfiguration.from_dict(content)
    expected = metrics.enrolment_funnel(frames, config, asof=ASOF)
    assert parsed(result) == texts(named(expected, frames))
    assert texts(expected) != texts(metrics.enrolment_funnel(frames, asof=ASOF))


@pytest.mark.parametrize("name", ["forecast", "enrolment-funnel"])
def test_a_target_of_a_site_that_is_not_there_is_told(
    name: str, cli: Workflow, run: Callable[..., Result]
) -> None:
    content = {"targets": {SITE: {"planned": 60}, "Corvane Genral": {"planned": 5}}}
    path = cli.file("study.json", json.dumps(content))
    result = run("metrics", name, "DEMO", "--config", path, "--asof", "2026-03-02", *CSV)
    assert result.code == 0
    told = "targets: no site is called 'Corvane Genral', so that its target is left out"
    assert result.err.splitlines() == [told]


def test_a_configuration_of_another_study_is_told(
    cli: Workflow, run: Callable[..., Result]
) -> None:
    path = cli.file("study.json", json.dumps({"studyKey": "OTHER"}))
    result = run("metrics", "visits", "DEMO", "--config", path, *CSV)
    assert result.code == 0
    told = f"{path} is the configuration of study 'OTHER'; it is used as it is"
    assert result.err.splitlines() == [told]


def test_a_table_rounds_and_leaves_out_what_is_empty(cli: Workflow, frames: StudyFrames) -> None:
    result = cli("metrics", "query-rates", "DEMO", "--asof", "2026-03-02")
    assert (result.code, result.err) == (0, "")
    head, *lines = result.out.splitlines()
    expected = named(EXPECTED["query_rates"](frames, ASOF), frames)
    assert head.split() == [name for name in expected if expected[name].notna().any()]
    assert len(lines) == len(expected)
    for line, (_, row) in zip(lines, expected.iterrows(), strict=True):
        assert str(row["site_name"]) in line
        numbers = [value for value in row if isinstance(value, float) and not pd.isna(value)]
        assert numbers
        for number in numbers:
            assert str(round(number, 3)) in line.split()


def test_json_has_numbers_and_nulls(cli: Workflow, frames: StudyFrames) -> None:
    words = ("metrics", "query-state", "DEMO", "--asof", "2026-03-02", "--output")
    result = cli(*words, "json")
    assert (result.code, result.err) == (0, "")
    rows = json.loads(result.out)
    state = metrics.query_state(frames, asof=ASOF)
    assert [row["annotation_id"] for row in rows] == state["annotation_id"].tolist()
    assert [row["age_days"] for row in rows] == [
        None if pd.isna(age) else int(age) for age in state["age_days"]
    ]
    assert [row["counted"] for row in rows] == state["counted"].tolist()
    assert [row["closed_at"] is None for row in rows] == state["closed_at"].isna().tolist()


# --- records -------------------------------------------------------------------------------------


def test_records_are_the_mappers(cli: Workflow, sdk: ImednetSDK) -> None:
    expected = Workflows(sdk).record_mapper.dataframe("DEMO", "AE")
    assert parsed(cli("extract-records", "DEMO", "--form", "AE")) == texts(expected)
    assert len(expected) > 10


def test_records_by_visit_site_and_status(cli: Workflow, sdk: ImednetSDK) -> None:
    words = ("--form", "vitals", "--visit", "Week 2", "--site", SITE.lower())
    found = parsed(cli("extract-records", "DEMO", *words, "--subject-status", "Completed"))
    expected = Workflows(sdk).data_extraction.extract_records_by_criteria(
        "DEMO",
        {"form_key": "VS"},
        {"subject_status": "Completed", "site_name": SITE},
        {"interval_name": "Week 2"},
    )
    assert [row["record_id"] for row in found] == [str(r.record_id) for r in expected]
    assert len(expected) > 1
    pulses = [str((r.record_data or {}).get("PULSE") or "") for r in expected]
    assert [row["PULSE"] for row in found] == pulses


def test_columns_by_label_and_blinded_ones(cli: Workflow, sdk: ImednetSDK) -> None:
    shown = cli("extract-records", "DEMO", "--form", "DM", "--labels", "--blinded")
    mapper = Workflows(sdk).record_mapper
    expected = mapper.dataframe("DEMO", "DM", None, True, include_blinded=True)
    assert parsed(shown) == texts(expected)
    assert len(expected.columns) > len(mapper.dataframe("DEMO", "DM").columns)


def test_blinded_columns_are_left_out(run: Callable[..., Result], sdk: ImednetSDK) -> None:
    found = parsed(run("extract-records", "DEMO", "--form", "DM"))
    blinded = {v.variable_name for v in sdk.variables.list("DEMO", form_key="DM") if v.blinded}
    assert blinded
    assert found
    assert not blinded & set(found[0])


def test_moments_without_a_zone_stay_as_entered(cli: Workflow, sdk: ImednetSDK) -> None:
    found = parsed(cli("extract-records", "DEMO", "--form", "LB", TZ="Asia/Tokyo"))
    entered = {
        str(r.record_id): r.record_data["LBDTM"] for r in sdk.records.list("DEMO", form_key="LB")
    }
    whole = {key: value for key, value in entered.items() if value and ":" in value}
    shown = {row["record_id"]: row["LBDTM"] for row in found if row["record_id"] in whole}
    assert {key: datetime.fromisoformat(text) for key, text in shown.items()} == {
        key: datetime.fromisoformat(text) for key, text in whole.items()
    }
    assert len(whole) > 10


def test_json_has_the_moments_of_the_api(run: Callable[..., Result], sdk: ImednetSDK) -> None:
    result = run("extract-records", "DEMO", "--form", "LB", "--output", "jsonl")
    assert (result.code, result.err) == (0, "")
    found = [json.loads(line) for line in result.out.splitlines()]
    rows = [record.to_dict() for record in sdk.records.list("DEMO", form_key="LB")]
    assert [row["date_created"] for row in found] == [row["dateCreated"] for row in rows]
    assert [row["deleted"] for row in found] == [row["deleted"] for row in rows]


def test_nobody_is_a_header(cli: Workflow, sdk: ImednetSDK) -> None:
    result = cli("extract-records", "DEMO", "--form", "AE", "--subject-status", "nobody")
    columns = Workflows(sdk).record_mapper.dataframe("DEMO", "AE").columns
    assert result == (0, ",".join(columns) + "\n", "")


def test_what_cannot_be_read_is_told_of_the_records_shown(own: Workflow) -> None:
    table = own.server.study["variables"]
    (row,) = table.find("variableName", "AETERM")
    table.change(row, variableType="INTEGER")
    words = ("extract-records", "DEMO", "--form", "AE", "--subject-status", "Enrolled")
    result = own(*words)
    assert result.code == 0
    rows = list(csv.DictReader(io.StringIO(result.out, newline="")))
    assert result.err.splitlines() == [
        f"record {row['record_id']}: AETERM could not be read, left empty" for row in rows
    ]
    assert rows
    assert {row["AETERM"] for row in rows} == {""}


# --- audit trail, subject, structure, profile ----------------------------------------------------


def test_the_audit_trail_of_some_days(cli: Workflow, sdk: ImednetSDK) -> None:
    days = ("--start", "2026-02-01", "--end", "2026-02-20")
    found = parsed(cli("audit-trail", "DEMO", *days, *CSV))
    expected = Workflows(sdk).data_extraction.extract_audit_trail(
        "DEMO", date(2026, 2, 1), date(2026, 2, 20)
    )
    assert found == texts(pd.DataFrame(map(asdict, expected)).convert_dtypes())
    assert {row["date"][:10] for row in found} >= {"2026-02-20"}
    assert max(row["date"] for row in found) < "2026-02-21"
    assert min(row["date"] for row in found) > "2026-02-01"


def test_the_audit_trail_of_a_user_site_and_form(cli: Workflow, sdk: ImednetSDK) -> None:
    revisions = sdk.record_revisions.list("DEMO", form_key="VS", site_id=3)
    user = Counter(r.user for r in revisions).most_common(1)[0][0] or ""
    words = ("--user", user, "--site", SITE, "--form", "VS")
    found = parsed(cli("audit-trail", "DEMO", *words, *CSV))
    wanted = {str(r.record_revision_id) for r in revisions if r.user == user}
    assert {row["record_revision_id"] for row in found} == wanted
    assert len(found) == len(wanted) < len(revisions)
    assert {(r["user"], r["site_name"], r["form_key"]) for r in found} == {(user, SITE, "VS")}


def test_an_audit_trail_of_nobody_is_a_header(cli: Workflow) -> None:
    result = cli("audit-trail", "DEMO", "--user", "nobody", *CSV)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("record_revision_id,date,user,")
    assert result.out.count("\n") == 1


def test_an_empty_table_says_so(cli: Workflow) -> None:
    assert cli("audit-trail", "DEMO", "--user", "nobody") == (0, "", "no rows\n")


def test_a_subject_is_a_line_of_time(cli: Workflow, sdk: ImednetSDK) -> None:
    key = Counter(q.subject_key for q in sdk.queries.list("DEMO")).most_common(1)[0][0] or ""
    result = cli("subject", "DEMO", key, *CSV)
    one = sdk.subjects.list("DEMO", subject_key=key)[0]
    assert (result.code, result.err) == (0, f"{key} at {one.site_name}: {one.subject_status}\n")
    rows = list(csv.DictReader(io.StringIO(result.out, newline="")))
    queries = sdk.queries.list("DEMO", subject_key=key)
    assert Counter(row["kind"] for row in rows) == {
        "visit": len(sdk.visits.list("DEMO", subject_key=key)),
        "record": len(sdk.records.list("DEMO", subject_key=key)),
        "query": sum(len(q.query_comments or []) for q in queries),
        "change": len(sdk.record_revisions.list("DEMO", subject_key=key)),
    }
    days = [row["date"][:10] or "9999" for row in rows]
    assert days == sorted(days)
    asked = sorted(row["what"] for row in rows if row["kind"] == "query")
    assert asked == sorted(
        q.variable or q.description or "" for q in queries for _ in q.query_comments or []
    )


def test_the_structure_is_the_schedule(cli: Workflow, sdk: ImednetSDK) -> None:
    found = parsed(cli("structure", "DEMO", *CSV))
    variables = Counter(v.form_key for v in sdk.variables.list("DEMO"))
    forms = {form.form_key: form.form_name for form in sdk.forms.list("DEMO")}
    intervals = sdk.intervals.list("DEMO")
    placed = [(i.interval_name, f.form_key) for i in intervals for f in i.forms or []]
    expected = [
        {"interval": i, "form_key": key, "form_name": forms[key], "variables": str(variables[key])}
        for i, key in placed
    ]
    bare = [i.interval_name for i in intervals if not i.forms]
    assert found[: len(placed)] == expected
    loose = [row for row in found if row["interval"] == "(unscheduled)"]
    assert {r["form_key"] for r in loose} == set(forms) - {key for _, key in placed}
    assert [(r["interval"], r["form_key"]) for r in found if not r["form_key"]] == [
        (name, "") for name in bare
    ]
    assert len(found) == len(placed) + len(loose) + len(bare)


def test_the_structure_with_variables(cli: Workflow, sdk: ImednetSDK) -> None:
    found = parsed(cli("structure", "DEMO", "--variables", *CSV))
    names = ("form_key", "variable", "type", "label", "blinded", "disabled")
    expected = {
        tuple(
            map(
                text_of,
                (v.form_key, v.variable_name, v.variable_type, v.label, v.blinded, v.disabled),
            )
        )
        for v in sdk.variables.list("DEMO")
    }
    assert {tuple(row[name] for name in names) for row in found} == expected


@pytest.mark.parametrize("forms", [False, True], ids=["variables", "forms"])
def test_the_profile_is_the_profilers(forms: bool, cli: Workflow, sdk: ImednetSDK) -> None:
    words = ["--forms"] if forms else ["--form", "AE"]
    conditions = {} if forms else {"form_key": "AE"}
    made = profile(
        sdk.records.iter("DEMO", **conditions),
        sdk.forms.list("DEMO", **conditions),
        sdk.variables.list("DEMO", **conditions),
    )
    expected = texts(made.forms if forms else made.variables)
    assert parsed(cli("profile", "DEMO", *words, *CSV)) == expected
    assert len(expected) > 5


# --- queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", [None, SITE], ids=["all", "site"])
def test_open_queries_the_longest_open_first(
    site: str | None, cli: Workflow, sdk: ImednetSDK
) -> None:
    words = [] if site is None else ["--site", site]
    found = parsed(cli("queries", "open", "DEMO", *words, *CSV))
    flows = Workflows(sdk).query_management
    wanted = {q.annotation_id for q in flows.get_open_queries("DEMO")}
    if site is not None:
        wanted &= {q.annotation_id for q in flows.get_queries_by_site("DEMO", site)}
    assert {int(row["annotation_id"]) for row in found} == wanted
    assert {row["state"] for row in found} == {"open"}
    ages = [int(row["age_days"]) for row in found]
    assert ages == sorted(ages, reverse=True)
    assert len(found) == len(wanted) > 1


@pytest.mark.parametrize("site", [SITE.upper(), "3"], ids=["name", "id"])
def test_queries_of_a_site(site: str, cli: Workflow, sdk: ImednetSDK) -> None:
    found = parsed(cli("queries", "by-site", "DEMO", site, *CSV))
    wanted = Workflows(sdk).query_management.get_queries_by_site("DEMO", SITE)
    assert sorted(int(row["annotation_id"]) for row in found) == sorted(
        q.annotation_id or 0 for q in wanted
    )
    assert {row["site_name"] for row in found} == {SITE}
    assert {row["state"] for row in found} >= {"open", "closed"}


@pytest.mark.parametrize("by", [None, "site_name", "turn"])
def test_queries_by_age(by: str | None, cli: Workflow, frames: StudyFrames) -> None:
    words = [] if by is None else ["--by", by]
    found = parsed(cli("queries", "ageing", "DEMO", "--asof", "2026-03-02", *words, *CSV))
    state = named(metrics.query_state(frames, asof=ASOF), frames)
    assert found == texts(metrics.query_ageing(state, by=by))
    assert sum(int(row["queries"]) for row in found) == (state["state"] == "open").sum()


# --- errors that are named -----------------------------------------------------------------------

WRONG: dict[str, tuple[str, ...]] = {
    "extract-records DEMO --form NOPE": ("NOPE",),
    "extract-records DEMO --form AE --site NOPE": ("NOPE", SITE),
    "extract-records DEMO --visit NOPE": ("NOPE", "Week 2"),
    "extract-records NOPE": ("403", "NOPE"),
    "audit-trail DEMO --site NOPE": ("NOPE", SITE),
    "audit-trail DEMO --form NOPE": ("NOPE", "did you mean 'PE'"),
    "profile DEMO --form NOPE": ("NOPE", "did you mean 'PE'"),
    "audit-trail DEMO --start 2026-02-30": ("--start", "2026-02-30", "YYYY-MM-DD"),
    "audit-trail DEMO --end yesterday": ("--end", "yesterday", "YYYY-MM-DD"),
    "subject DEMO 99-999": ("99-999",),
    "queries open DEMO --site NOPE": ("NOPE", SITE),
    "queries by-site DEMO NOPE": ("NOPE", SITE),
    "queries ageing DEMO --by nope": ("--by", "nope", "turn"),
    "queries ageing DEMO --asof 1": ("--asof", "YYYY-MM-DD"),
    "metrics kris DEMO --asof 02.03.2026": ("--asof", "02.03.2026", "YYYY-MM-DD"),
    "metrics visits NOPE": ("403", "NOPE"),
    "metrics visits DEMO --output xml": ("--output", "xml", "jsonl"),
    "metrics visits DEMO --config none.json": ("none.json",),
    "metrics visits DEMO --config broken.json": ("no JSON",),
    "metrics visits DEMO --config unknown.json": ("studyKye",),
    "metrics visits DEMO --config list.json": ("StudyConfiguration",),
    "metrics visits DEMO --config latin.json": ("latin.json",),
    "metrics visits DEMO --to no/where.csv": ("no/where.csv",),
    "update DEMO none.csv": ("none.csv",),
    "update DEMO records.txt": ("records.txt", ".jsonl"),
    "update DEMO latin.csv": ("latin.csv",),
    "register DEMO subjects.csv --form NOPE": ("NOPE",),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_the_study_lacks_or_nobody_can_read(
    line: str, cli: Workflow, run: Callable[..., Result]
) -> None:
    cli.file("broken.json", "{nope")
    cli.file("unknown.json", '{"studyKye": "DEMO"}')
    cli.file("list.json", "[]")
    cli.file("latin.json", '{"studyKey": "ä"}'.encode("latin-1"))
    cli.file("latin.csv", "formKey,CMTRT\nCM,ä\n".encode("latin-1"))
    cli.file("records.txt", "formKey\nVS\n")
    cli.file("subjects.csv", f"siteName\n{SITE}\n")
    failed(run(*line.split()), *WRONG[line])
    assert cli.posts() == 0


@pytest.mark.parametrize(
    "line",
    [
        "metrics kris DEMO --output xml",
        "metrics kris DEMO --asof x",
        "queries ageing DEMO --asof x",
        "metrics kris DEMO --to no/where.csv",
        "extract-records DEMO --to no/where.csv",
    ],
)
def test_what_is_wrong_with_the_line_is_told_before_the_study_is_read(
    line: str, cli: Workflow, run: Callable[..., Result]
) -> None:
    failed(run(*line.split()))
    assert not cli.server.requests


@pytest.mark.parametrize("line", ["metrics kris DEMO", "subject DEMO 03-001"])
@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"IMEDNET_SECURITY_KEY": "wrong"}, "401"),
        ({"IMEDNET_API_KEY": None}, "IMEDNET_API_KEY"),
    ],
    ids=["refused", "no-key"],
)
def test_wrong_keys(
    environ: dict[str, str | None], word: str, line: str, run: Callable[..., Result]
) -> None:
    failed(run(*line.split(), **environ), word)


@pytest.mark.parametrize(
    ("line", "code"),
    [("metrics kris DEMO --config none.json", 1), ("metrics kris", 2)],
    ids=["named", "usage"],
)
def test_a_process_ends_in_one_line(line: str, code: int, cli: Workflow) -> None:
    result = cli(*line.split())
    assert (result.code, result.out) == (code, "")
    told(result.err)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "extract-records DEMO --form AE",
        "metrics sdv DEMO --asof 2026-03-02 --output json",
        "structure DEMO",
    ],
)
def test_a_file_holds_what_would_be_printed(line: str, cli: Workflow) -> None:
    printed = cli(*line.split())
    assert printed.code == 0
    older = cli.folder / "out.txt"
    older.write_text("older")
    older.chmod(0o666)
    assert cli(*line.split(), "--to", "out.txt") == (0, "", "")
    assert older.read_text(encoding="utf-8") == printed.out
    assert [path.name for path in cli.folder.iterdir()] == ["out.txt"]
    if os.name == "posix":
        assert stat.S_IMODE(older.stat().st_mode) == 0o600


@pytest.mark.parametrize("older", [None, "older\n"], ids=["new", "over-an-older"])
def test_a_study_that_cannot_be_read_leaves_everything_as_it_was(
    older: str | None, cli: Workflow
) -> None:
    if older is not None:
        cli.file("out.csv", older)
    failed(cli("metrics", "kris", "NOPE", *CSV, "--to", "out.csv"), "403")
    found = {path.name: path.read_text() for path in cli.folder.iterdir()}
    assert found == ({} if older is None else {"out.csv": older})


@posix
def test_progress_is_for_terminals_and_leaves_nothing(cli: Workflow) -> None:
    from cli_terminal import on_terminal

    session = on_terminal(cli, "metrics", "unknown-words", "DEMO", *CSV, output_too=False)
    assert session.code == 0
    assert " rows" in session.raw
    assert "".join(session.screen).strip() == ""
    assert session.out == cli("metrics", "unknown-words", "DEMO", *CSV).out


# --- update --------------------------------------------------------------------------------------


def vitals(subject: str, **data: Any) -> dict[str, Any]:
    return {"formKey": "VS", "subjectKey": subject, "intervalName": "Week 2", "data": data}


def sheet(subject: str, *values: str, name: str = "PULSE") -> str:
    rows = [f"VS,{subject},Week 2,{value}" for value in values]
    return "\n".join([f"formKey,subjectKey,intervalName,{name}", *rows, ""])


def answers(server: Simulator) -> dict[int | None, dict[str, Any]]:
    with connected(server) as sdk:
        return {r.record_id: dict(r.record_data or {}) for r in sdk.records.list("DEMO")}


def week_2(sdk: ImednetSDK, subject: str) -> Any:
    (record,) = sdk.records.list("DEMO", form_key="VS", subject_key=subject, interval_id=103)
    return record


def test_an_update_is_shown_first_then_made_and_stands(
    own: Workflow, sdk: ImednetSDK, subject: str
) -> None:
    record = week_2(sdk, subject)
    before = answers(own.server)
    path = own.file("u.csv", sheet(subject, "71,,36.4", name="PULSE,SYSBP,TEMP"))
    changed = {"PULSE": "71", "TEMP": "36.4"}

    shown = own("update", "DEMO", path, "--dry-run", *CSV)
    assert shown.code == 0
    assert "2 values would change; nothing was sent." in shown.err
    assert list(csv.DictReader(io.StringIO(shown.out))) == [
        {
            "position": "0",
            "kind": "scheduled",
            "form_key": "VS",
            "subject_key": subject,
            "interval_name": "Week 2",
            "record_id": str(record.record_id),
            "variable": name,
            "old": text_of(record.record_data[name]),
            "new": new,
        }
        for name, new in changed.items()
    ]
    assert own.posts() == 0
    assert answers(own.server) == before

    (row,) = parsed(own("update", "DEMO", path, *CSV))
    assert row.pop("batch_id")
    assert row == {
        "record": "0",
        "kind": "scheduled",
        "state": "completed",
        "record_id": str(record.record_id),
        "subject_key": "",
        "does_not_stand": "",
    }
    assert own.posts() == 1
    before[record.record_id] |= changed
    assert answers(own.server) == before

    again = own("update", "DEMO", path, "--dry-run", *CSV)
    assert again.code == 0
    assert "nothing was sent." in again.err
    assert again.out == shown.out.partition("\n")[0] + "\n"


def test_json_clears_an_answer(own: Workflow, sdk: ImednetSDK, subject: str) -> None:
    path = own.file("u.json", [vitals(subject, PULSE=None, TEMP=36.5)])
    result = own("update", "DEMO", path, "--output", "jsonl")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["state"] == "completed"
    found = answers(own.server)[week_2(sdk, subject).record_id]
    assert (found["PULSE"], found["TEMP"]) == (None, "36.5")


def test_a_record_named_by_its_id(own: Workflow, sdk: ImednetSDK) -> None:
    number = sdk.records.list("DEMO", form_key="CM", limit=1)[0].record_id
    path = own.file("u.csv", f'recordId,formKey,CMTRT\n{number},CM,"two\nlines, ""so"""\n')
    (row,) = parsed(own("update", "DEMO", path, *CSV))
    assert (row["kind"], row["record_id"], row["state"]) == ("change", str(number), "completed")
    assert answers(own.server)[number]["CMTRT"] == 'two\nlines, "so"'


def test_records_go_in_batches(own: Workflow, sdk: ImednetSDK) -> None:
    enrolled = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=3)
    rows = [f"CM,{s.subject_key},Drug {n}" for n, s in enumerate(enrolled)]
    path = own.file("u.csv", "\n".join(["formKey,subjectKey,CMTRT", *rows]))
    found = parsed(own("update", "DEMO", path, "--batch-size", "2", *CSV))
    assert [row["record"] for row in found] == ["0", "1", "2"]
    assert {row["kind"] for row in found} == {"new"}
    assert found[0]["batch_id"] == found[1]["batch_id"] != found[2]["batch_id"]
    assert own.posts() == 2
    after = answers(own.server)
    assert [after[int(row["record_id"])]["CMTRT"] for row in found] == [
        "Drug 0",
        "Drug 1",
        "Drug 2",
    ]


def test_semicolons_separate_too(own: Workflow, sdk: ImednetSDK, subject: str) -> None:
    path = own.file("u.csv", b"\xef\xbb\xbf" + sheet(subject, "71").replace(",", ";").encode())
    (row,) = parsed(own("update", "DEMO", path, *CSV))
    assert row["state"] == "completed"
    assert answers(own.server)[week_2(sdk, subject).record_id]["PULSE"] == "71"


def test_a_record_that_does_not_stand_is_told_in_the_table() -> None:
    stands = RecordOutcome(0, "new", "b", "completed", 7, None, [])
    other = RecordOutcome(1, "new", "b", "completed", 8, None, [Difference("PULSE", "71", "72")])
    out = io.StringIO()
    failure = Writer("csv", out).outcomes(lambda: UpdateResult([stands, other]))
    assert str(failure) == "1 of 2 records do not stand as they were sent."
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["does_not_stand"] for row in rows] == ["", "PULSE: sent '71', found '72'"]


def test_a_job_that_fails_is_exit_code_1(own: Workflow, subject: str) -> None:
    table = own.server.study["variables"]
    (row,) = table.find("variableName", "PULSE")
    table.change(row, variableType="TEXT")  # the job holds it against what it was
    before = answers(own.server)
    path = own.file("u.csv", sheet(subject, "fast"))
    result = own("update", "DEMO", path, *CSV)
    assert result.code == 1
    told(result.err, "1 of 1 record")
    (found,) = csv.DictReader(io.StringIO(result.out))
    assert found["state"] == "failed"
    assert found["batch_id"]
    assert answers(own.server) == before


def test_a_write_that_breaks_off_tells_how_far_it_came(
    own: Workflow, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RefusedError(403, "9001", "out of order")

    monkeypatch.setattr("imednet_simulator.jobs.Jobs.look", broken)
    result = own("update", "DEMO", own.file("u.csv", sheet(subject, "71")), *CSV)
    assert result.code == 1
    assert own.posts() == 1
    told(result.err, "out of order")
    (found,) = csv.DictReader(io.StringIO(result.out))
    assert (found["record"], found["state"]) == ("0", "created")
    assert found["batch_id"] in own.server.requests[-1][1]


@pytest.mark.parametrize(("status", "state"), [(403, "refused"), (500, "unknown")])
def test_a_batch_that_is_not_taken_leaves_the_later_ones_unsent(
    status: int,
    state: str,
    own: Workflow,
    sdk: ImednetSDK,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
) -> None:
    create = Jobs.create

    def broken(jobs: Jobs, *arguments: Any) -> Any:
        if jobs.by_batch:
            raise RefusedError(status, "9001", "out of order")
        return create(jobs, *arguments)

    monkeypatch.setattr(Jobs, "create", broken)
    enrolled = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=3)
    rows = [f"CM,{s.subject_key},Drug" for s in enrolled]
    path = own.file("u.csv", "\n".join(["formKey,subjectKey,CMTRT", *rows]))
    result = run("update", "DEMO", path, "--batch-size", "1", *CSV, at=own)
    assert result.code == 1
    told(result.err, str(status), "out of order")
    found = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["state"] for row in found] == ["created", state, "not sent"]
    assert [bool(row["batch_id"]) for row in found] == [True, False, False]
    assert own.posts() == 2


@pytest.mark.parametrize(
    ("end", "code"),
    [(signal.default_int_handler, 130), (cli_module._leave, 143)],
    ids=["ctrl-c", "term"],
)
def test_what_was_sent_before_it_was_ended_is_told(
    end: Callable[..., NoReturn],
    code: int,
    own: Workflow,
    sdk: ImednetSDK,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
) -> None:
    made: list[str] = []
    create = Jobs.create

    def noted(jobs: Jobs, *arguments: Any) -> Any:
        job = create(jobs, *arguments)
        made.append(job.batch_id)
        return job

    def stopped(done: int, total: int) -> None:
        end(signal.SIGTERM, None)

    monkeypatch.setattr(Jobs, "create", noted)
    monkeypatch.setattr(commands, "tell_sent", stopped)
    enrolled = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=3)
    rows = [f"CM,{s.subject_key},Drug" for s in enrolled]
    path = own.file("u.csv", "\n".join(["formKey,subjectKey,CMTRT", *rows]))
    result = run("update", "DEMO", path, "--batch-size", "2", *CSV, at=own)
    assert (result.code, result.out) == (code, "")
    (batch,) = made
    told = f"2 of 3 records were sent when it broke off; batches sent before this: {batch}"
    assert result.err.splitlines() == [told]


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "sent"])
def test_every_fault_of_every_record_is_told(
    dry: bool, cli: Workflow, run: Callable[..., Result], subject: str
) -> None:
    content = f"formKey,subjectKey,intervalName,PULSE,PULS\nVS,{subject},Week 2,fast,1\nXX,no,,1,\n"
    result = run("update", "DEMO", cli.file("u.csv", content), *(["--dry-run"] if dry else []))
    refused(
        result,
        ("record 0", "PULSE is 'fast'", "a whole number"),
        ("record 0", "PULS is '1'", "did you mean 'PULSE'"),
        ("record 1", "formKey is 'XX'"),
        ("record 1", "subjectKey is 'no'"),
    )
    assert cli.posts() == 0


@pytest.mark.parametrize("command", ["update", "register"])
@pytest.mark.parametrize(
    "words",
    [("--output", "xml"), ("--to", "no/where.csv"), ("--batch-size", "0"), ("--to", ".")],
    ids=" ".join,
)
def test_nothing_is_sent_that_could_not_be_told_of(
    words: tuple[str, ...],
    command: str,
    own: Workflow,
    subject: str,
    run: Callable[..., Result],
) -> None:
    path = own.file("u.json", [vitals(subject, PULSE=71)])
    failed(run(command, "DEMO", path, *words, at=own))
    assert own.posts() == 0


# --- register ------------------------------------------------------------------------------------

SUBJECTS = f"siteName,RFICDAT\n{SITE},2026-03-01\nAldermoor University Hospital,\n"


@pytest.mark.parametrize("form", ["REG", "Registration"])
def test_subjects_are_registered_and_their_keys_given(form: str, own: Workflow) -> None:
    path = own.file("r.csv", SUBJECTS)
    with connected(own.server) as sdk:
        before = {s.subject_key for s in sdk.subjects.list("DEMO")}
        shown = own("register", "DEMO", path, "--form", form, "--dry-run", *CSV)
        assert shown.code == 0
        assert "2 subjects would be registered; nothing was sent." in shown.err
        (row,) = csv.DictReader(io.StringIO(shown.out))
        assert (row["variable"], row["old"], row["new"]) == ("RFICDAT", "", "2026-03-01")
        assert own.posts() == 0

        found = parsed(own("register", "DEMO", path, "--form", form, *CSV))
        come = {s.subject_key: s for s in sdk.subjects.list("DEMO") if s.subject_key not in before}
        assert own.posts() == 1
        assert [row["kind"] for row in found] == ["register"] * 2
        assert [come[row["subject_key"]].site_id for row in found] == [3, 1]
        assert len(come) == 2
        consent = answers(own.server)[int(found[0]["record_id"])]
        assert consent["RFICDAT"] == "2026-03-01"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"siteName": SITE}], id="without-data"),
        pytest.param([{"siteId": 3, "formId": 1001, "data": {}}], id="its-own-form"),
        pytest.param([{"siteId": 3, "formKey": "REG", "data": {}}], id="the-same-form"),
    ],
)
def test_a_dry_run_takes_what_registering_takes(
    content: list[dict[str, Any]], cli: Workflow, run: Callable[..., Result]
) -> None:
    result = run("register", "DEMO", cli.file("r.json", content), "--form", "REG", "--dry-run")
    assert (result.code, result.out) == (0, "")
    assert "1 subject" in result.err
    assert cli.posts() == 0


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "sent"])
def test_faults_of_subjects_are_told(dry: bool, cli: Workflow, run: Callable[..., Result]) -> None:
    path = cli.file("r.csv", "siteName,RFICDAT\nCorvane,2026-03-01\nAldermoor,never\n")
    words = ["--form", "REG", *(["--dry-run"] if dry else [])]
    refused(
        run("register", "DEMO", path, *words),
        ("record 0", "siteName is 'Corvane'", SITE),
        ("record 1", "siteName is 'Aldermoor'"),
        ("record 1", "RFICDAT is 'never'", "YYYY-MM-DD"),
    )


def test_a_registration_needs_its_form(cli: Workflow, run: Callable[..., Result]) -> None:
    result = run("register", "DEMO", cli.file("r.csv", SUBJECTS))
    refused(result, ("record 0", "formKey is None"), ("record 1", "formKey is None"))
    assert cli.posts() == 0


# --- rows of a frame -----------------------------------------------------------------------------


def test_rows_have_plain_values() -> None:
    frame = pd.DataFrame(
        {
            "int": pd.array([1, None], dtype="Int64"),
            "float": [0.12345, float("nan")],
            "flag": pd.array([True, None], dtype="boolean"),
            "text": pd.array(["a", None], dtype="string"),
            "day": pd.to_datetime(["2026-03-02", None]),
            "moment": pd.to_datetime(["2026-03-02T00:00:00Z", None]),
            "list": [[1, 2], []],
        }
    )
    first, second = rows_of(frame, round_to=3)
    assert first == {
        "int": 1,
        "float": 0.123,
        "flag": True,
        "text": "a",
        "day": date(2026, 3, 2),
        "moment": datetime(2026, 3, 2, tzinfo=UTC),
        "list": [1, 2],
    }
    assert [type(first[name]) for name in ("int", "float", "flag")] == [int, float, bool]
    assert second == dict.fromkeys(frame.columns[:-1]) | {"list": []}
    assert next(iter(rows_of(frame, round_to=None)))["float"] == 0.12345


def test_a_fault_of_the_program_is_no_fault_of_the_reader() -> None:
    with (
        pytest.raises(ValueError, match="truth value of a Series is ambiguous") as caught,
        writing("csv", None),
    ):
        bool(pd.Series([1, 2]))
    assert not isinstance(caught.value, ImednetError)


def test_a_name_that_the_study_lacks_is_one() -> None:
    with (
        pytest.raises(ConfigurationError, match="there is no site 'Nowhere'"),
        writing("csv", None),
    ):
        find_site([], "Nowhere")
