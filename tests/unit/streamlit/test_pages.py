"""Every page, on an ordinary study and on odd ones, with the numbers of the metrics."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.models import StudyConfiguration
from imednet_simulator import Simulator
from imednet_simulator.store import Table
from imednet_streamlit import app, data
from imednet_streamlit.sections import sites
from imednet_workflows import metrics
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.frames import StudyFrames, study_frames

PILOT = os.environ.get("IMEDNET_PILOT_DATA", "")  # read before fixtures clean the environment
VIEWS = [script for _, script, _, _ in app.PAGES]


def frames_of(simulator: Any) -> StudyFrames:
    with ImednetSDK(simulator.api_key, simulator.security_key, simulator.url) as sdk:
        return study_frames(sdk, simulator.study_key)


def emptied(simulator: Any, *names: str) -> Any:
    """Take all rows from these lists of a study."""
    for name in names:
        table = simulator.study[name]
        table.columns = Table(table.resource, simulator.study_key).columns
        table.count = 0
        table.version += 1
    return simulator


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch, ordinary: Any) -> datetime:
    """The dashboard's clock stands at the study's day."""
    now: datetime = ordinary.now

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now

    monkeypatch.setattr(data, "datetime", Clock)
    return now


@pytest.fixture
def configured() -> None:
    """The demo's configuration is published."""
    text = Path(app.__file__).with_name("demo.json").read_text(encoding="utf-8")
    store = ConfigStore()
    store.commit(StudyConfiguration.from_json(text), who="A. Berg")
    store.publish("DEMO", 1, who="A. Berg")


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("view", VIEWS)
def test_a_page_of_an_ordinary_study(dashboard: Any, ordinary: Any, view: str) -> None:
    dashboard.connect(ordinary).open(view)

    assert not dashboard.at.exception
    assert not dashboard.at.error
    assert dashboard.at.main.caption[0].value.startswith("Study DEMO · data read 20")
    assert dashboard.at.main.title[0].value == view[:-3].replace("_", " ").title()


def test_home_tells_what_the_metrics_tell(dashboard: Any, ordinary: Any, moment: datetime) -> None:
    frames = frames_of(ordinary)
    funnel = metrics.enrolment_funnel(frames, asof=moment, by=None).iloc[0]
    visits = metrics.visit_status(frames, asof=moment)
    missing = metrics.missing_pages(metrics.expected_pages(frames, asof=moment))

    dashboard.connect(ordinary)

    assert dashboard.metrics["Screened"] == f"{funnel['screened']:.0f}"
    assert dashboard.metrics["Enrolled"] == f"{funnel['enrolled']:.0f}"
    assert dashboard.metrics["Of target"] == "none"
    late = (visits["status"] == "overdue").sum()
    assert f"**{late}** overdue visits" in dashboard.said("markdown")
    assert f"**{len(missing)}** missing pages" in dashboard.said("markdown")


def test_enrolment_is_held_against_the_targets_of_the_sites_that_have_one(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    frames = frames_of(ordinary)
    site = metrics.enrolment_funnel(frames, asof=moment).nlargest(1, "enrolled").iloc[0]
    store = ConfigStore()
    targets = {site["site_name"]: {"planned": int(site["enrolled"]) * 2}}
    config = StudyConfiguration.from_dict({"studyKey": "DEMO", "targets": targets})
    store.publish("DEMO", store.commit(config, who="A. Berg").version, who="A. Berg")
    dashboard.connect(ordinary).open("subject_enrollment.py")

    assert dashboard.metrics["Of target"] == "50 %"
    assert "Of the sites that have a target: 1 of 6." in dashboard.said("caption")
    curve = dashboard.frame("Date", "Cumulative")
    assert curve["Cumulative"].iloc[-1] == site["enrolled"]
    forecast = metrics.forecast_enrolment(frames, config, asof=moment)
    middle = forecast.days["date"].iloc[1]
    assert f"enrolled by {middle:%d %b %Y}**" in dashboard.said("markdown")


def test_query_status_tells_what_the_metrics_tell(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    frames = frames_of(ordinary)
    state = metrics.query_state(frames, asof=moment)
    live = state[state["counted"]]
    flux = metrics.query_flux(frames, asof=moment)
    median = metrics.median_time_to_resolve(state, asof=moment)["median_days"].iloc[0]

    dashboard.connect(ordinary).open("query_status.py")

    shown = {name: dashboard.metrics[name] for name in ("Open", "Closed", "Unknown")}
    assert shown == {
        name: str((live["state"] == name.lower()).sum()) for name in ("Open", "Closed", "Unknown")
    }
    assert dashboard.metrics["Days to resolve"] == f"{median:.1f}"
    weeks = dashboard.frame("Opened (UTC)", "Backlog")
    assert weeks["Backlog"].tolist() == flux["backlog"].tolist()
    ageing = dashboard.frame("Bucket", "Queries").groupby("Bucket", sort=False)["Queries"].sum()
    assert ageing.tolist() == metrics.query_ageing(state)["queries"].tolist()
    statuses = dashboard.frame("Status", "State", "Queries")
    words = live["status"].fillna("no comment").value_counts()
    assert statuses.set_index("Status")["Queries"].to_dict() == words.to_dict()
    assert statuses.set_index("Status").loc["Site Answered", "State"] == "Open"
    oldest = dashboard.frame("Query", "Age (days)")
    assert len(oldest) == (live["state"] == "open").sum()
    assert oldest["Age (days)"].is_monotonic_decreasing


def test_a_filter_narrows_every_number_and_stands_in_the_address(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    state = metrics.query_state(frames_of(ordinary), asof=moment)
    theirs = state[state["counted"] & (state["site_id"] == 3)]

    dashboard.connect(ordinary).open("query_status.py")
    dashboard.at.multiselect(key="_filter_site").select("3").run()

    assert dashboard.at.query_params["site"] in ("3", ["3"])  # a list in Streamlit 1.63
    assert dashboard.metrics["Open"] == str((theirs["state"] == "open").sum())
    backlog = dashboard.frame("Opened (UTC)", "Backlog")["Backlog"].iloc[-1]
    assert backlog == (theirs["state"] == "open").sum()

    dashboard.at.multiselect(key="_filter_site").unselect("3").run()

    assert "site" not in dashboard.at.query_params


def test_open_queries_are_counted_by_the_studys_own_status(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    state = metrics.query_state(frames_of(ordinary), asof=moment)
    words = state.loc[state["counted"] & (state["state"] == "open"), "status"].value_counts()

    dashboard.connect(ordinary).open("query_status.py", by="status")

    assert dashboard.at.selectbox(key="_filter_by").value == "status"
    tables = [table.value for table in dashboard.at.dataframe]
    (shown,) = [table for table in tables if list(table.columns) == ["Status", "Queries"]]
    assert shown.set_index("Status")["Queries"].to_dict() == words.to_dict()


def test_forms_are_called_by_name_and_stand_in_the_address_by_key(
    dashboard: Any, ordinary: Any
) -> None:
    dashboard.connect(ordinary).open("query_status.py", form="VS", by="form_key")

    assert "Vitals" in dashboard.at.multiselect(key="_filter_form").options
    assert dashboard.at.multiselect(key="_filter_form").value == ["VS"]
    assert dashboard.at.query_params["form"] in ("VS", ["VS"])
    assert set(dashboard.frame("Form", "Queries")["Form"]) == {"Vitals"}
    assert set(dashboard.frame("Query", "Form")["Form"]) == {"Vitals"}


def test_a_view_that_was_sent_opens_as_it_was(new_dashboard: Any, ordinary: Any) -> None:
    dashboard = new_dashboard()
    dashboard.connect(ordinary)
    dashboard.open("site_performance.py", kri="query_rate", method="others", site=["2", "99"])

    assert not dashboard.at.exception
    assert dashboard.at.selectbox(key="_filter_kri").value == "query_rate"
    assert dashboard.at.selectbox(key="_filter_method").value == "others"
    assert dashboard.at.multiselect(key="_filter_site").value == ["2"]  # 99 is no site here


def test_subject_enrollment_tells_what_the_metrics_tell(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    frames = frames_of(ordinary)
    funnel = metrics.enrolment_funnel(frames, asof=moment, by=None).iloc[0]
    forecast = metrics.forecast_enrolment(frames, asof=moment, more=20)

    dashboard.connect(ordinary).open("subject_enrollment.py")

    for name, label in (("screened", "Screened"), ("enrolled", "Enrolled")):
        assert dashboard.metrics[label] == f"{funnel[name]:.0f}"
    assert dashboard.metrics["Discontinued"] == f"{funnel['discontinued']:.0f}"
    middle = forecast.days["date"].iloc[1]
    assert f"enrolled by {middle:%d %b %Y}" in dashboard.said("markdown")
    curve = dashboard.frame("Date", "Cumulative")
    known = metrics.enrolment_curve(frames, asof=moment)
    assert curve["Cumulative"].tolist() == known["cumulative"].tolist()
    ahead = dashboard.frame("Date", "Middle (50 %)")["Middle (50 %)"]
    assert ahead.tolist() == (forecast.band["middle"] + funnel["enrolled"]).tolist()


def test_the_forecast_is_for_as_many_as_are_asked_for(dashboard: Any, ordinary: Any) -> None:
    dashboard.connect(ordinary).open("subject_enrollment.py")
    dashboard.at.number_input(key="_filter_more").set_value(7).run()

    enrolled = int(dashboard.metrics["Enrolled"])
    assert f"**{enrolled + 7} enrolled by" in dashboard.said("markdown")
    assert dashboard.at.query_params["more"] in ("7", ["7"])


@pytest.mark.parametrize(("method", "known"), [("all", "normal"), ("others", "leave_one_out")])
def test_site_performance_tells_what_the_metrics_tell(
    dashboard: Any, ordinary: Any, moment: datetime, method: str, known: str
) -> None:
    kris = metrics.kri_table(frames_of(ordinary), asof=moment, method=known)
    scores = metrics.risk_scores(kris).sort_values("rank", kind="stable")
    rates = kris[kris["kri"] == "query_rate"]

    dashboard.connect(ordinary).open("site_performance.py", method=method, kri="query_rate")

    flags = kris["flag"].fillna(0) != 0
    assert dashboard.metrics["Flags"] == str(flags.sum())
    flagged = f"{kris.loc[flags, 'site_id'].nunique()} of {len(scores)}"
    assert dashboard.metrics["Sites flagged"] == flagged
    assert dashboard.metrics["Highest score"] == f"{scores['risk_score'].max():.0f}"
    ranking = dashboard.frame("Rank", "Risk score (0 to 100)")
    assert ranking["Site"].tolist() == scores["site_name"].tolist()
    shown = ranking["Risk score (0 to 100)"].round(1).tolist()
    assert shown == scores["risk_score"].round(1).tolist()
    table = dashboard.frame("Numerator", "Rate")
    assert table["Rate"].tolist() == rates["rate"].round(4).tolist()
    assert ("P adjusted" in table) == (method == "others")


def test_data_completeness_tells_what_the_metrics_tell(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    frames = frames_of(ordinary)
    pages = metrics.expected_pages(frames, asof=moment)
    whole = metrics.completion(pages).iloc[0]
    lag = metrics.entry_lag_summary(metrics.entry_lag(frames, asof=moment)).iloc[0]
    sdv = metrics.sdv_progress(frames, asof=moment).iloc[0]
    clean = metrics.clean_subjects(frames, asof=moment)

    dashboard.connect(ordinary).open("data_completeness.py")

    assert dashboard.metrics["Pages complete"] == f"{whole['completion_percent']:.1f} %"
    assert dashboard.metrics["Missing"] == f"{whole['missing']:.0f}"
    assert dashboard.metrics["Median (days)"] == f"{lag['median_days']:.1f}"
    assert dashboard.metrics["Entered after 10 days"] == f"{lag['late_percent']:.1f} %"
    assert f"**{sdv['verified']:.0f} of " in dashboard.said("markdown")
    assert f"**{clean['clean'].sum()} of {len(clean)}** subjects" in dashboard.said("markdown")
    forms = dashboard.frame("Form", "Pages").set_index("Form")
    by_form = metrics.completion(pages, by="form_key").set_index("form_key")
    assert forms.loc["Vitals", "Missing"] == by_form.loc["VS", "missing"]
    assert forms.loc["Vitals", "Form key"] == "VS"


def test_a_large_study_is_asked_before_its_trend_is_worked_out(
    dashboard: Any, ordinary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "LARGE", 10)
    dashboard.connect(ordinary).open("site_performance.py")
    assert not any("As of (UTC)" in table.value for table in dashboard.at.dataframe)

    dashboard.at.toggle[0].set_value(True).run()
    assert len(dashboard.frame("As of (UTC)")) == 6


def test_one_site_shows_its_subjects_form_by_form(
    dashboard: Any, ordinary: Any, moment: datetime
) -> None:
    dashboard.connect(ordinary).open("data_completeness.py", site="3")

    subjects = dashboard.frame("Subject", "Form", "Complete (%)")["Subject"]
    assert set(subjects.str[:3]) == {"03-"}
    forms = dashboard.frame("Form", "Pages", "Verified")
    records = frames_of(ordinary).records
    theirs = replace(frames_of(ordinary), records=records[records["site_id"] == 3])
    sdv = metrics.sdv_progress(theirs, asof=moment)
    assert forms["Verified"].sum() == sdv["verified"].iloc[0] > 0


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("view", VIEWS)
def test_a_study_of_one_site(dashboard: Any, single: Any, view: str) -> None:
    dashboard.connect(single).open(view)

    assert not dashboard.at.exception
    assert not dashboard.at.error
    if view == "site_performance.py":
        assert "one site" in dashboard.said("info")


@pytest.fixture(scope="module")
def pilot() -> Iterator[Any]:
    if not PILOT:
        pytest.skip("IMEDNET_PILOT_DATA names no folder with the CDISC pilot's XPORT files")
    with Simulator(from_xpt=PILOT) as simulator:
        yield simulator


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_of_the_pilot_study(dashboard: Any, pilot: Any, view: str) -> None:
    dashboard.connect(pilot).open(view)

    assert not dashboard.at.exception
    assert not dashboard.at.error


LISTS = ("sites", "subjects", "visits", "records", "recordRevisions", "queries", "intervals")
EMPTY = {
    "nothing at all": (*LISTS, "forms", "variables"),
    "no subjects": ("subjects", "visits", "records", "recordRevisions", "queries"),
    "no visits": ("visits",),
    "no queries": ("queries",),
    "no sites": ("sites",),
    "no records": ("records", "recordRevisions"),
}
SAYS = {
    ("nothing at all", "home.py"): "no subjects yet",
    ("nothing at all", "query_status.py"): "no queries yet",
    ("nothing at all", "subject_enrollment.py"): "no subjects yet",
    ("nothing at all", "site_performance.py"): "no sites yet",
    ("nothing at all", "data_completeness.py"): "No page is scheduled",
    ("no subjects", "subject_enrollment.py"): "no subjects yet",
    ("no subjects", "data_completeness.py"): "There are no subjects here yet",
    ("no visits", "data_completeness.py"): "has no visits",
    ("no queries", "query_status.py"): "no queries yet",
    ("no sites", "site_performance.py"): "no sites yet",
    ("no records", "data_completeness.py"): "No record is ready for verification",
    ("nothing at all", "data_lineage.py"): "No canonical table has a row yet",
    ("nothing at all", "study_report.py"): "nothing to show here yet",
    ("no records", "study_report.py"): "nothing to show here yet",
}


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("case", EMPTY)
def test_pages_say_what_is_missing(dashboard: Any, own: Any, case: str) -> None:
    dashboard.connect(emptied(own, *EMPTY[case]))
    for view in VIEWS:
        dashboard.open(view)
        assert not dashboard.at.exception, view
        assert not dashboard.at.error, view
        assert SAYS.get((case, view), "") in dashboard.said("info"), view


def test_statuses_of_no_known_meaning_are_listed(dashboard: Any, own: Any) -> None:
    for row in range(3):
        own.study["subjects"].change(row, subjectStatus="=Flying")
    own.study["sites"].change(0, siteEnrollmentStatus=None)
    own.study["sites"].change(1, siteName=None)

    dashboard.connect(own)

    words = dashboard.frame("Status", "Where")
    assert words.set_index("Status").loc["'=Flying", "Rows"] == 3  # no formula
    for view in VIEWS:
        dashboard.open(view)
        assert not dashboard.at.exception, view
    dashboard.open("query_status.py")
    assert "Site 2" in dashboard.at.multiselect(key="_filter_site").options


def test_a_list_that_fails_is_named_and_not_shown_as_empty(dashboard: Any, own: Any) -> None:
    dashboard.connect(own)
    dashboard.at.sidebar.button[1].click()  # Refresh: all is read anew
    own.stop()
    dashboard.at.run()

    assert not dashboard.at.exception
    assert "could not be read" in dashboard.said("error")
    assert "**Why:**" in dashboard.said("error")
    assert "press Refresh" in dashboard.said("error")
    assert dashboard.said("error").count("**Why:**") == 1  # not once more for every part
    assert "Nothing:" not in dashboard.said("success")


def test_a_site_is_no_markup(dashboard: Any, own: Any) -> None:
    for row in range(3):
        own.study["sites"].change(row, siteName=f"![x](https://example.com/{row})")
    dashboard.connect(own)
    assert "](https://example.com" not in dashboard.said("markdown")
