"""The plugin as its users get it, on the study of imednet-simulator."""

from __future__ import annotations
{% if cookiecutter.workflows or cookiecutter.command %}
import pytest
{%- endif %}
from imednet import ImednetSDK
{%- if cookiecutter.command or cookiecutter.workflows %}
from imednet_simulator import Simulator
{%- endif %}
{%- set kit = [] %}
{%- if cookiecutter.command %}{% set _ = kit.append("CommandPluginTests") %}{% endif %}
{%- if cookiecutter.named_plugin %}{% set _ = kit.append("NamedPluginTests") %}{% endif %}
{%- if cookiecutter.workflows %}{% set _ = kit.append("WorkflowsPluginTests") %}{% endif %}
{%- if kit %}
from imednet_simulator.testing import {{ kit | join(", ") }}
{%- endif %}

from {{ cookiecutter.package }} import queries_by_site
{%- if cookiecutter.workflows %}


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this package's workflows be the ones, where others are installed, too."""
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "{{ cookiecutter.project_slug }}")
{%- endif %}


def test_every_query_is_counted_once(imednet_sdk: ImednetSDK) -> None:
    rows = queries_by_site(imednet_sdk, "DEMO")
    counted = sum(row["open"] + row["closed"] + row["unknown"] for row in rows)
    assert counted == imednet_sdk.queries.count("DEMO") > 0


def test_every_site_has_a_row(imednet_sdk: ImednetSDK) -> None:
    rows = queries_by_site(imednet_sdk, "DEMO")
    sites = {site.site_name for site in imednet_sdk.sites.list("DEMO")}
    assert sites <= {row["site"] for row in rows}
    assert [row["open"] for row in rows] == sorted((row["open"] for row in rows), reverse=True)
{%- if cookiecutter.named_plugin %}


class TestPlugin(NamedPluginTests):
    name = "{{ cookiecutter.package }}"
    calls = {"by_site": ("DEMO",)}


def test_the_sdk_has_it(imednet_sdk: ImednetSDK) -> None:
    counted = imednet_sdk.plugins.{{ cookiecutter.package }}.by_site("DEMO")
    assert counted == queries_by_site(imednet_sdk, "DEMO")
{%- endif %}
{%- if cookiecutter.command %}


class TestCommand(CommandPluginTests):
    name = "{{ cookiecutter.project_slug }}"
    calls = ("DEMO", "DEMO --only-open")


def test_the_command_shows_every_site(
    imednet_simulator: Simulator,
    imednet_sdk: ImednetSDK,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from imednet.cli import main

    monkeypatch.setenv("IMEDNET_API_KEY", imednet_simulator.api_key)
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", imednet_simulator.security_key)
    monkeypatch.setenv("IMEDNET_BASE_URL", imednet_simulator.url)
    with pytest.raises(SystemExit) as leaving:
        main(["{{ cookiecutter.project_slug }}", "DEMO"])
    assert not leaving.value.code
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["site_id", "site", "open", "closed", "unknown"]
    assert len(lines) >= imednet_sdk.sites.count("DEMO")
{%- endif %}
{%- if cookiecutter.workflows %}


class TestWorkflows(WorkflowsPluginTests):
    distribution = "{{ cookiecutter.project_slug }}"
    calls = {
        "data_extraction.extract_records_by_criteria": ("DEMO", {"form_key": "AE"}),
        "query_management.by_site": ("DEMO",),
        "query_management.get_open_queries": ("DEMO",),
        "query_management.get_query_state_counts": ("DEMO",),
        "record_mapper.rows": ("DEMO", "AE"),
    }


def test_records_of_subjects_that_match(imednet_sdk: ImednetSDK) -> None:
    extract = imednet_sdk.workflows.data_extraction.extract_records_by_criteria
    subject = imednet_sdk.subjects.list("DEMO", limit=1)[0]
    records = extract("DEMO", subject_filter={"subject_key": subject.subject_key})
    assert {record.subject_id for record in records} == {subject.subject_id}


def test_blinded_answers_are_left_out(imednet_sdk: ImednetSDK) -> None:
    variables = [v for v in imednet_sdk.variables.list("DEMO") if v.blinded]
    assert variables
    for variable in variables:
        rows = imednet_sdk.workflows.record_mapper.rows("DEMO", variable.form_key)
        assert all(variable.variable_name not in row for row in rows)


def test_all_about_a_subject(imednet_sdk: ImednetSDK) -> None:
    subject = imednet_sdk.subjects.list("DEMO", limit=1)[0]
    data = imednet_sdk.workflows.subject_data.get_all_subject_data("DEMO", subject.subject_key)
    assert data["subjects"] == [subject]
    assert {row.subject_key for row in data["records"]} == {subject.subject_key}


def test_a_record_is_written(fresh_simulator: Simulator) -> None:
    sim = fresh_simulator
    with ImednetSDK(sim.api_key, sim.security_key, sim.url) as sdk:
        site = sdk.sites.list("DEMO", site_enrollment_status="Enrollment Open", limit=1)[0]
        before = sdk.subjects.count("DEMO")
        update = sdk.workflows.record_update.create_or_update_records
        job = update("DEMO", [{"formKey": "REG", "siteName": site.site_name, "data": {}}], True)
        assert job.state == "completed"
        assert sdk.subjects.count("DEMO") == before + 1
{%- endif %}
