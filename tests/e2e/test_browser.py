"""The dashboard as people see it: `imednet demo` in a real browser, page by page."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest
from PIL import Image

from imednet import ImednetSDK
from imednet.models import StudyConfiguration
from imednet_streamlit import app
from imednet_workflows import metrics
from imednet_workflows.frames import StudyFrames, study_frames

#: The keys of every demo: public, and yet they must never be seen in the browser.
KEYS = ("demo-api-key", "demo-security-key")
TITLES = [title for _, _, title, _ in app.PAGES]
#: Widths in pixels, and themes.
LOOKS = [(1280, "light"), (1280, "dark"), (820, "light")]
Numbers: TypeAlias = Callable[[StudyFrames, StudyConfiguration, datetime], dict[str, str]]


@pytest.fixture(scope="module")
def frames(demo: Any) -> StudyFrames:
    with ImednetSDK(*KEYS, demo.simulator) as sdk:
        return study_frames(sdk, "DEMO")


@pytest.fixture(scope="module")
def config() -> StudyConfiguration:
    """The configuration that the demo has published."""
    text = Path(app.__file__).with_name("demo.json").read_text(encoding="utf-8")
    return StudyConfiguration.from_json(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
@pytest.mark.parametrize("title", TITLES)
def test_a_page_is_drawn_whole_and_holds_no_key(
    window: Any,
    demo: Any,
    folder: Path,
    pictures: Path | None,
    title: str,
    look: tuple[int, str],
) -> None:
    seen = window(*look)
    seen.open(title)

    assert seen.errors() == []
    assert seen.overhang() == 0
    assert_private(seen, demo.dashboard)
    name = title.lower().replace(" ", "-")
    if pictures and look == LOOKS[0]:
        (pictures / f"{name}.png").write_bytes(small(seen.picture()))
    (folder / f"{name}-{look[0]}-{look[1]}.png").write_bytes(seen.picture(whole=True))


def assert_private(seen: Any, address: str) -> None:
    """Check that no key is on the page or on its way, and that nobody else was asked."""
    everything = "\n".join([seen.html(), *seen.typed(), *seen.asked, *seen.received])
    assert "Connected" in everything  # what is searched is the page
    assert [key for key in KEYS if key in everything] == []
    assert seen.page.url.startswith(address)
    inside = (address, address.replace("http", "ws", 1), "data:", "blob:")
    assert [asked for asked in seen.asked if not asked.startswith(inside)] == []


def small(png: bytes) -> bytes:
    """Return the picture with as many colours as a page of text and charts needs."""
    out = io.BytesIO()
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(96, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def home(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    funnel = metrics.enrolment_funnel(frames, config, asof=asof, by=None).iloc[0]
    open_ones = int(metrics.site_enrolment(frames, config, asof=asof)["open"].sum())
    late = metrics.visit_status(frames, config, asof=asof)["status"] == "overdue"
    return {
        "Sites enrolling": f"{open_ones} of {len(frames.sites)}",
        "Screened": f"{funnel['screened']:.0f}",
        "Enrolled": f"{funnel['enrolled']:.0f}",
        "Completed": f"{funnel['completed']:.0f}",
        "Of target": f"{funnel['target_percent']:.0f} %",
        "overdue visits": f"{late.sum()}",
    }


def queries(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    state = metrics.query_state(frames, config, asof=asof)
    live = state[state["counted"]]
    counts = live["state"].value_counts()
    median = metrics.median_time_to_resolve(live, asof=asof)["median_days"].iloc[0]
    return {
        **{name: f"{counts[name.lower()]}" for name in ("Open", "Closed", "Unknown")},
        "Days to resolve": f"{median:.1f}",
    }


def enrolment(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    funnel = metrics.enrolment_funnel(frames, config, asof=asof, by=None).iloc[0]
    day = metrics.forecast_enrolment(frames, config, asof=asof).days["date"].iloc[1]
    return {
        "Screened": f"{funnel['screened']:.0f}",
        "Screen failures": f"{funnel['screen_failures']:.0f}",
        "Discontinued": f"{funnel['discontinued']:.0f}",
        "Of target": f"{funnel['target_percent']:.0f} %",
        "enrolled by": f"{funnel['planned']:.0f} enrolled by {day:%d %b %Y}",
    }


def sites(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    kris = metrics.kri_table(frames, config, asof=asof)
    scores = metrics.risk_scores(kris)
    return {
        "Sites flagged": f"{(scores['flagged'] > 0).sum()} of {len(scores)}",
        "Flags": f"{(kris['flag'].fillna(0) != 0).sum()}",
        "Highest score": f"{scores['risk_score'].max():.0f}",
    }


def completeness(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    whole = metrics.completion(metrics.expected_pages(frames, config, asof=asof)).iloc[0]
    lag = metrics.entry_lag_summary(metrics.entry_lag(frames, config, asof=asof)).iloc[0]
    return {
        "Pages complete": f"{whole['completion_percent']:.1f} %",
        "Pages expected": f"{whole['expected']:,.0f}",
        "Missing": f"{whole['missing']:,.0f}",
        "Entered after 10 days": f"{lag['late_percent']:.1f} %",
    }


def report(frames: StudyFrames, config: StudyConfiguration, asof: datetime) -> dict[str, str]:
    gone = frames.subjects.loc[frames.subjects["deleted"], "subject_id"]
    events = frames.records[(frames.records["form_key"] == "AE") & ~frames.records["deleted"]]
    counted = events[~events["subject_id"].isin(gone)]
    return {
        "Adverse events": f"{len(counted)}",
        "Subjects with one": f"{counted['subject_id'].nunique()}",
    }


NUMBERS: dict[str, Numbers] = {
    "Home": home,
    "Query Status": queries,
    "Subject Enrollment": enrolment,
    "Site Performance": sites,
    "Data Completeness": completeness,
    "Study Report": report,
}


@pytest.mark.parametrize("title", NUMBERS)
def test_the_numbers_are_those_of_the_sdk(
    window: Any, frames: StudyFrames, config: StudyConfiguration, title: str
) -> None:
    seen = window()
    seen.open(title)

    # Day boundaries pass all the time: the page is as of a moment between these two.
    told = [NUMBERS[title](frames, config, moment) for moment in seen.entered]
    assert {name: seen.number(name) for name in told[0]} in told


def test_a_table_is_downloaded_as_the_metrics_have_it(
    window: Any, frames: StudyFrames, config: StudyConfiguration
) -> None:
    seen = window()
    seen.open("Site Performance")
    ranking = seen.page.get_by_test_id("stExpander").first
    ranking.locator("summary").click()
    with seen.page.expect_download() as coming:
        ranking.get_by_role("button", name="CSV", exact=True).press("Enter")

    table = pd.read_csv(coming.value.path(), encoding="utf-8-sig")
    told = []
    for moment in seen.entered:
        scores = metrics.risk_scores(metrics.kri_table(frames, config, asof=moment))
        ranked = scores.sort_values("rank", kind="stable", na_position="last")
        told.append(list(zip(ranked["site_name"], ranked["risk_score"].fillna(-1), strict=True)))
    shown = zip(table["Site"], table["Risk score (0 to 100)"].fillna(-1), strict=True)
    assert [(site, pytest.approx(score)) for site, score in shown] in told


def test_a_view_sent_to_a_colleague_opens_as_it_was(
    new_window: Any, frames: StudyFrames, config: StudyConfiguration
) -> None:
    sent = new_window()
    sent.open("Query Status")
    sent.page.get_by_test_id("stMultiSelect").get_by_role("combobox").first.fill("Corvane")
    sent.page.get_by_role("option", name="Corvane General Hospital").click()
    sent.page.wait_for_url("**/query_status?site=3")

    got = new_window(sent.page.url)

    assert "Corvane General Hospital" in got.page.get_by_test_id("stMultiSelect").first.inner_text()
    told = []
    for moment in (sent.entered[0], datetime.now(UTC)):
        state = metrics.query_state(frames, config, asof=moment)
        mine = state[state["counted"] & (state["site_id"] == 3)]
        told.append(str((mine["state"] == "open").sum()))
    assert got.number("Open") in told


@pytest.mark.parametrize("title", ["Review Workbench", "Data Lineage"])
def test_a_row_that_is_chosen_is_told_below_and_in_the_address(new_window: Any, title: str) -> None:
    seen = new_window()
    seen.open(title)
    before = seen.headings()
    seen.choose_row(2)
    chosen = seen.headings()
    assert chosen != before

    again = new_window(seen.page.url)  # as a colleague opens it
    assert again.headings() == chosen


def test_fields_stay_as_they_are_while_a_page_is_drawn_anew(new_window: Any) -> None:
    seen = new_window()
    moved = []
    for title in TITLES:
        seen.open(title)  # for the first time here, so that progress is shown above
        fields = seen.page.get_by_test_id("stMain").locator("input, textarea")
        fields.evaluate_all("fields => { window.drawnFirst = fields }")
        seen.again()
        if not seen.page.evaluate("drawnFirst.every((field) => field.isConnected)"):
            moved.append(title)
    assert moved == []


def test_a_comment_just_typed_goes_with_the_step_that_is_taken(new_window: Any) -> None:
    seen = new_window()
    seen.open("Review Workbench")
    comment = seen.page.get_by_label("Comment", exact=True)
    comment.evaluate("field => { window.asDrawnFirst = field }")
    name = seen.page.get_by_label("Your name", exact=True)
    name.fill("R. Lind")
    name.press("Enter")
    comment.fill("I look at it")  # while the page is drawn anew
    seen.page.get_by_role("button", name="Begin review").click()
    seen.page.get_by_text("Done: Begin review.").wait_for()
    seen.settle()

    assert comment.evaluate("field => field === window.asDrawnFirst")
    assert comment.input_value() == ""
    assert seen.page.get_by_text("Status: under review").count() == 1
    seen.page.get_by_text("What happened to the item").scroll_into_view_if_needed()
    seen.page.locator("canvas td", has_text="I look at it").first.wait_for(state="attached")


def test_whoever_leaves_the_demo_signs_in_with_keys_that_are_then_gone(
    new_window: Any, demo: Any
) -> None:
    seen = new_window()
    seen.page.get_by_role("button", name="Disconnect").click()
    seen.page.locator("h1").get_by_text("iMednet dashboard").wait_for()
    seen.settle()
    seen.page.get_by_text("Another server").click()
    entered = {"API key": KEYS[0], "Security key": KEYS[1], "Study key": "DEMO"}
    for label, text in {**entered, "Server address": demo.simulator}.items():
        field = seen.page.get_by_label(label).and_(seen.page.locator("input"))
        assert (field.get_attribute("type") == "password") == (text in KEYS)
        field.fill(text)
        field.press("Enter")
    seen.page.get_by_role("button", name="Connect", exact=True).click()
    seen.page.get_by_text("Connected").wait_for()
    seen.settle()

    assert seen.errors() == []
    assert_private(seen, demo.dashboard)
