"""Helpers: `imednet demo` as a process, and a real browser that looks at its dashboard."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

#: The browser's program, as `python3 noxfile.py browser` finds it.
CHROMIUM = os.environ.get("CHROMIUM", "")
#: Where the pictures of README and docs are to be renewed, or nothing.
PICTURES = os.environ.get("PICTURES", "")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Seconds that anything awaited may take, on a slow machine too.
PATIENCE = 60
#: Pixels from a table's left to the middle of the boxes before its rows, and of a row's height.
BOX, ROW = 18, 35


@dataclass(frozen=True)
class Demo:
    """The addresses that `imednet demo` prints."""

    dashboard: str
    simulator: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run `imednet demo` as people do, but for the browser, and end it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMEDNET_")}
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [Path(sys.executable).with_name("imednet"), "demo", "--no-browser"],
        cwd=folder,
        env=kept | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = Said(process.stdout)
        simulator = said.find(r"server stays up at (http://\S+)")
        yield Demo(said.find(r"URL: (http://\S+)"), simulator)
        process.terminate()  # Ctrl-C would not be heard where a shell runs us in the background
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
        assert "Traceback" not in said.everything()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and the dashboard, if it is still there
        process.wait()


class Said:
    """What a process prints, read as it comes, so that it never waits for its reader."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self._stream, self._lines = stream, queue.Queue[str | None]()
        self._seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._seen.append(line)
                self._lines.put(line)
        self._lines.put(None)

    def find(self, pattern: str) -> str:
        """Return the group of the first line from here on that matches."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"it ended without {pattern!r}:\n{''.join(self._seen)}")

    def everything(self) -> str:
        """Return all that was printed by a process that has ended."""
        self._reader.join(PATIENCE)
        return "".join(self._seen)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser without a past: Playwright makes it a new profile each time."""
    if not CHROMIUM:
        pytest.skip("needs a browser: python3 noxfile.py browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Window:
    """A window on the dashboard, and what went wrong or astray in it."""

    page: Any
    entered: tuple[datetime, datetime] = (datetime.max, datetime.min)
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors of scripts, the address of each request, and what the server sends."""
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on(
            "websocket",
            lambda socket: socket.on(
                "framereceived",
                lambda data: self.received.append(
                    data if isinstance(data, str) else data.decode("utf-8", "replace")
                ),
            ),
        )

    def enter(self, address: str) -> None:
        """Open the dashboard, and wait until its first page is drawn; notes when that was."""
        before = datetime.now(UTC)
        self.page.goto(address)
        self.page.get_by_text("Connected").wait_for()
        self.settle()
        self.entered = before, datetime.now(UTC)

    def open(self, title: str) -> None:
        """Follow the sidebar's link to a page, and wait until it is drawn."""
        self.page.get_by_test_id("stSidebarNavLink").get_by_text(title, exact=True).click()
        self.page.locator("h1").get_by_text(title, exact=True).wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until the script has ended, nothing of another page is left, charts are drawn."""
        self.page.wait_for_function(
            """() => {
                const app = document.querySelector('[data-testid="stApp"]');
                const count = (what) => document.querySelectorAll(what).length;
                return app && app.dataset.testScriptState === "notRunning"
                    && count("h1") === 1
                    && count('[data-stale="true"]') === 0
                    && count('[data-testid="stSkeleton"]') === 0
                    && [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')]
                        .every((chart) => chart.querySelector("canvas, svg.marks"))
                    && document.fonts.status === "loaded";
            }"""
        )

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Wait until the script has run once more because of what is done within."""
        self.page.evaluate(
            """() => {
                const app = document.querySelector('[data-testid="stApp"]');
                window.runs = 0;
                new MutationObserver(() => {
                    window.runs += app.dataset.testScriptState === "notRunning";
                }).observe(app, { attributeFilter: ["data-test-script-state"] });
            }"""
        )
        yield
        self.page.wait_for_function("() => window.runs > 0")
        self.settle()

    def again(self) -> None:
        """Have the page drawn anew, as after any change on it, and wait until it is."""
        self.page.locator("h1").click()  # no field has the focus, so that it is no typing
        with self.run():
            self.page.keyboard.press("r")

    def choose_row(self, row: int) -> None:
        """Click on the box before a row (0: the first) of the page's first table."""
        table = self.page.get_by_test_id("stDataFrame").first
        table.scroll_into_view_if_needed()
        with self.run():
            table.click(position={"x": BOX, "y": ROW * (row + 1.5)})

    def headings(self) -> list[str]:
        """Return what stands above the parts of the page, or bold in them."""
        return list(self.page.locator("h2, h3, strong").all_inner_texts())

    def number(self, name: str) -> str:
        """Return what stands in a frame of this name, or bold before or around these words."""
        frame = self.page.get_by_test_id("stMetric").filter(
            has=self.page.get_by_test_id("stMetricLabel").get_by_text(name, exact=True)
        )
        if frame.count():
            return str(frame.first.get_by_test_id("stMetricValue").inner_text()).strip()
        words = self.page.get_by_test_id("stMarkdown").filter(has_text=name)
        return str(words.first.locator("strong").first.inner_text()).strip()

    def html(self) -> str:
        """Return the page as it stands."""
        return str(self.page.content())

    def typed(self) -> list[str]:
        """Return what stands in fields, which is no part of the page's text."""
        fields = self.page.locator("input, textarea")
        return list(fields.evaluate_all("fields => fields.map((field) => field.value)"))

    def picture(self, *, whole: bool = False) -> bytes:
        """Return a picture (PNG) of what the window shows, or of all the page below it too."""
        size = dict(self.page.viewport_size)
        if whole:
            main = self.page.get_by_test_id("stMain")
            height = int(main.evaluate("main => main.scrollHeight"))
            self.page.set_viewport_size(size | {"height": max(height, size["height"])})
            self.settle()
        taken: bytes = self.page.screenshot()
        self.page.set_viewport_size(size)
        return taken

    def errors(self) -> list[str]:
        """What stands in red boxes, and what the page's scripts complained of."""
        boxes = self.page.locator(
            '[data-testid="stException"], [data-testid="stAlertContentError"]'
        )
        return [*boxes.all_inner_texts(), *self.problems]

    def overhang(self) -> int:
        """Return how many pixels stand out to the right, once charts have found their width."""
        from playwright.sync_api import TimeoutError as NotYet

        over = """() => {
            const main = document.querySelector('[data-testid="stMain"]');
            return main.scrollWidth - main.clientWidth;
        }"""
        with contextlib.suppress(NotYet):
            self.page.wait_for_function(f"() => ({over})() === 0", timeout=10_000)
        return int(self.page.evaluate(over))


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Where the pictures of README and docs are renewed; None to leave them alone."""
    return Path(PICTURES) if PICTURES else None


@pytest.fixture(scope="module")
def opener(chromium: Any, demo: Demo) -> Iterator[Callable[..., Window]]:
    contexts = []

    def opened(address: str = "", *, width: int = 1280, theme: str = "light") -> Window:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        made = Window(context.new_page())
        made.watch()
        made.enter(address or demo.dashboard)
        return made

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def new_window(opener: Callable[..., Window]) -> Callable[..., Window]:
    """Return what opens an address of the dashboard as somebody who has just come."""
    return opener


@pytest.fixture(scope="module")
def window(opener: Callable[..., Window]) -> Callable[..., Window]:
    """Return the window of a width and a theme, opened once for all tests."""
    kept: dict[tuple[int, str], Window] = {}

    def one(width: int = 1280, theme: str = "light") -> Window:
        look = width, theme
        if look not in kept:
            kept[look] = opener(width=width, theme=theme)
        return kept[look]

    return one
