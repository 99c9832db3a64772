"""Lines that make no sense: exit code 2, one line that says why, no request, no file."""

from __future__ import annotations

import pytest
from cli_process import Cli

from imednet_simulator import Simulator

LIST = "See imednet sites list --help."
CASES = [
    # words
    ("sites list", f"STUDY is missing. {LIST}", "no-study"),
    ("sites get DEMO", "ID is missing. See imednet sites get --help.", "no-id"),
    ("sites get", "STUDY is missing. See imednet sites get --help.", "no-study-to-get-from"),
    ("jobs get DEMO", "BATCH is missing. See imednet jobs get --help.", "no-batch"),
    ("sites list DEMO extra", f"'extra' is a word too many. {LIST}", "extra-word"),
    ("sites list DEMO --limit 1 x", f"'x' is a word too many. {LIST}", "extra-word-at-the-end"),
    ("sites list --study DEMO DEMO", f"'DEMO' is a word too many. {LIST}", "study-two-ways"),
    ("studies list DEMO", "'DEMO' is a word too many. See imednet studies list --help.", "study"),
    ("plugins x", "'x' is a word too many. See imednet plugins --help.", "word-after-plugins"),
    ("sites list DEMO -", f"'-' is a word too many. {LIST}", "lone-dash"),
    (
        "sites list DEMO -- extra",
        f"'--' is no flag: flags begin with -- and a name. {LIST}",
        "two-dashes",
    ),
    (
        "sites list DEMO -- --interactive",
        f"'--' is no flag: flags begin with -- and a name. {LIST}",
        "a-flag-of-fire",
    ),
    # flags
    (
        "sites list DEMO --sit-id 3",
        f"there is no flag --sit-id (did you mean --site-id?). {LIST}",
        "misspelt-flag",
    ),
    (
        "sites list DEMO --sit-id=3",
        f"there is no flag --sit-id (did you mean --site-id?). {LIST}",
        "misspelt-flag-with-value",
    ),
    ("sites list DEMO --zzz", f"there is no flag --zzz. {LIST}", "unknown-flag"),
    (
        "sites list DEMO --study-key X",
        f"there is no flag --study-key (did you mean --study?). {LIST}",
        "study-key",
    ),
    (
        "sites count DEMO --limit 3",
        "there is no flag --limit. See imednet sites count --help.",
        "limit-of-a-count",
    ),
    (
        "sites get DEMO 1 --site-id 3",
        "there is no flag --site-id. See imednet sites get --help.",
        "condition-of-a-get",
    ),
    (
        "users list DEMO --filter x",
        "there is no flag --filter. See imednet users list --help.",
        "filter-of-users",
    ),
    (
        "users list DEMO --modified-since 2026-01-01",
        "there is no flag --modified-since. See imednet users list --help.",
        "since-of-users",
    ),
    (
        "sites list DEMO --include-inactive",
        f"there is no flag --include-inactive. {LIST}",
        "inactive-of-sites",
    ),
    (
        "sites list DEMO --record-data-filter x",
        f"there is no flag --record-data-filter. {LIST}",
        "answers-of-sites",
    ),
    ("sites list DEMO -l 3", f"'-l' is no flag: flags begin with -- and a name. {LIST}", "short"),
    ("sites list -x", f"'-x' is no flag: flags begin with -- and a name. {LIST}", "dash-study"),
    ("sites list DEMO --limit", f"--limit needs a value. {LIST}", "no-value"),
    (
        "sites list DEMO --site-name --limit 3",
        f"--site-name needs a value. {LIST}",
        "flag-as-value",
    ),
    ("sites list DEMO --site-name True --to", f"--to needs a value. {LIST}", "True-and-no-value"),
    ("sites list DEMO --output", f"--output needs a value. {LIST}", "no-format"),
    (
        "sites list DEMO --noto",
        f"there is no flag --noto (did you mean --to?). {LIST}",
        "no-of-a-text",
    ),
    # twice
    (
        "sites list DEMO --site-id 1 --site-id 2",
        f"--site-id is given twice (for one of several values use --filter). {LIST}",
        "twice",
    ),
    (
        "sites list DEMO --site-id=1 --site_id=1",
        f"--site_id is given twice (for one of several values use --filter). {LIST}",
        "twice-spelt",
    ),
    (
        "forms count DEMO --disabled --no-disabled",
        "--no-disabled is given twice (for one of several values use --filter). "
        "See imednet forms count --help.",
        "yes-and-no",
    ),
    # types and values
    ("sites list DEMO --limit x", f"--limit is 'x': give a whole number. {LIST}", "limit-text"),
    ("sites list DEMO --limit 1.5", f"--limit is '1.5': give a whole number. {LIST}", "limit-part"),
    ("sites list DEMO --limit=", f"--limit is '': give a whole number. {LIST}", "limit-empty"),
    ("sites list DEMO --site-id x", f"--site-id is 'x': give a whole number. {LIST}", "id-text"),
    (
        "forms count DEMO --disabled=maybe",
        "--disabled is 'maybe': give true or false. See imednet forms count --help.",
        "boolean",
    ),
    (
        "forms count DEMO --disabled maybe",
        "'maybe' is a word too many. See imednet forms count --help.",
        "boolean-word",
    ),
    (
        "jobs wait DEMO x --interval soon",
        "--interval is 'soon': give a number. See imednet jobs wait --help.",
        "interval-text",
    ),
    ("sites list DEMO --limit 1_0", f"--limit is '1_0': give a whole number. {LIST}", "limit-1_0"),
    ("sites list DEMO --limit ٣", f"--limit is '٣': give a whole number. {LIST}", "limit-script"),
    (
        "jobs wait DEMO x --interval 1_0",
        "--interval is '1_0': give a number. See imednet jobs wait --help.",
        "interval-1_0",
    ),
    (
        "jobs wait DEMO x --interval 0",
        "interval is 0.0, timeout 600.0: give seconds, an interval above 0, and a timeout of 0 or "
        "more, or None",
        "interval",
    ),
    (
        "records list DEMO --modified-since soon",
        "modified_since: 'soon' is not a timestamp: give a date or a datetime, or text such as "
        "2026-01-31 or 2026-01-31T10:00:00Z",
        "since",
    ),
    (
        "records list DEMO --record-data-filter \udcff",
        "record_data_filter is '\\udcff', which holds bytes that are no text (in UTF-8): correct "
        "it",
        "no-text",
    ),
    (
        "records list DEMO --sort \udcff",
        "sort is '\\udcff', which holds bytes that are no text (in UTF-8): correct it",
        "sort-no-text",
    ),
    ("sites list DEMO --limit -1", "limit is -1: give a whole number from 0 up", "limit-below-0"),
    (
        "sites list DEMO --page-size 0",
        "page_size is 0: give a whole number from 1 to 500",
        "page-0",
    ),
    (
        "sites list DEMO --page-size 501",
        "page_size is 501: give a whole number from 1 to 500",
        "page-501",
    ),
    (
        "sites list DEMO --output xml",
        "--output is 'xml': give one of table, csv, json, jsonl",
        "xml",
    ),
    ("plugins --output CSV", "--output is 'CSV': give one of table, csv, json, jsonl", "upper"),
    ("sites list DEMO --to=", "--to is empty: give a file's name", "to-empty"),
    (
        "sites list DEMO --sort ,x",
        "sort is ',x': give 'site_name', 'site_name,DESC', or a list of those",
        "sort",
    ),
    (
        "sites list DEMO --sort site_id,UP",
        "sort is 'site_id,UP': give 'site_name', 'site_name,DESC', or a list of those",
        "sort-order",
    ),
    (
        "sites list DEMO --filter=",
        "filter is '': give text such as 'siteId==3', or leave it out",
        "filter-empty",
    ),
    ("sites list ..", "study_key is '..': give the key or id that the API knows it by", "dots"),
    ("sites get DEMO .", "the site_id is '.': give the key or id that the API knows it by", "dot"),
    # commands
    (
        "sites lst DEMO",
        "imednet sites has no command 'lst' (did you mean list?). See imednet sites --help.",
        "verb",
    ),
    (
        "sites create DEMO",
        "imednet sites has no command 'create'. See imednet sites --help.",
        "verb-unlike-any",
    ),
    (
        "jobs list DEMO",
        "imednet jobs has no command 'list'. See imednet jobs --help.",
        "verb-of-jobs",
    ),
    ("sites", "imednet sites needs one of: count, get, list. See imednet sites --help.", "no-verb"),
    ("jobs", "imednet jobs needs one of: get, wait. See imednet jobs --help.", "no-verb-of-jobs"),
    (
        "sits list DEMO",
        "there is no command 'sits' (did you mean imednet sites?). See imednet --help.",
        "resource",
    ),
    (
        "simulat",
        "there is no command 'simulat' (did you mean imednet simulate?). See imednet --help.",
        "command-of-a-plugin",
    ),
    ("zzz", "there is no command 'zzz'. See imednet --help.", "unlike-any"),
    ("zzz --help", "there is no command 'zzz'. See imednet --help.", "help-of-nothing"),
    ("--versio", "there is no command '--versio'. See imednet --help.", "flag-as-command"),
    ("--version x", "--version stands alone, and 'x' came after it.", "version-and-word"),
]


@pytest.mark.parametrize(
    ("line", "message"), [pytest.param(line, message, id=name) for line, message, name in CASES]
)
def test_nothing_is_run(line: str, message: str, cli: Cli, server: Simulator) -> None:
    assert cli(*line.split()) == (2, "", f"imednet: {message}\n")
    assert not server.requests
    assert not list(cli.folder.iterdir())


def test_an_empty_study_key(cli: Cli, server: Simulator) -> None:
    message = "study_key is '': give the key or id that the API knows it by"
    assert cli("sites", "list", "") == (2, "", f"imednet: {message}\n")
    assert not server.requests


def test_an_or_beside_a_condition_is_refused(cli: Cli, server: Simulator) -> None:
    result = cli("sites", "list", "DEMO", "--filter", "siteId==1,siteId==2", "--site-name", "x")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(
        "imednet: filter='siteId==1,siteId==2' holds ',' (or), which binds looser than the ';'"
    )
    assert result.err.count("\n") == 1
    assert not server.requests


def test_a_line_that_makes_no_sense_needs_no_keys(cli: Cli) -> None:
    result = cli("sites", "list", "DEMO", "--limit", "x", IMEDNET_API_KEY=None)
    assert result == (2, "", f"imednet: --limit is 'x': give a whole number. {LIST}\n")
