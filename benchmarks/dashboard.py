"""The dashboard as its readers use it: pages over a large study, served by a simulator."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

SERVER = """
import gc, sys, time
from imednet_simulator import Simulator
with Simulator(subjects=int(sys.argv[1]), sites=int(sys.argv[2])) as simulator:
    gc.freeze()
    print(simulator.url, flush=True)
    while True:
        time.sleep(3600)
"""
#: Each page, and a filter to change on it: the kind of widget, its key, what is chosen.
PAGES = {
    "home": None,
    "query_status": ("multiselect", "_filter_site", ["3"]),
    "subject_enrollment": ("multiselect", "_filter_site", ["3"]),
    "site_performance": ("selectbox", "_filter_method", "others"),
    "data_completeness": ("multiselect", "_filter_site", ["3"]),
}
#: The same of the pages that read answers too, and make canonical tables of them.
WORKBENCH = {
    "setup_wizard": ("radio", "_setup_step", "Forms"),
    "study_report": None,
    "data_lineage": ("selectbox", "_filter_table", "adverse_events"),
    "publisher_wizard": None,
    "review_workbench": ("multiselect", "_filter_severity", ["critical"]),
}


@contextlib.contextmanager
def simulated(subjects: int, sites: int) -> Iterator[str]:
    """A simulator of a large study in a process of its own; making it takes half a minute.

    What the dashboard keeps is in a folder with the demo's published configuration.
    """
    from imednet_streamlit import demo

    command = [sys.executable, "-c", SERVER, str(subjects), str(sites)]
    with (
        demo.data_folder() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        os.environ |= demo.with_folder({}, folder)
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def forget_tables() -> None:
    """Forget what pages have worked out, but not what was read (a script of AppTest)."""
    from imednet_streamlit import data

    data.kept.clear()


class Reader:
    """Someone in front of the dashboard, who waits for each page until it is complete."""

    def __init__(self) -> None:
        from streamlit.testing.v1 import AppTest

        import imednet_streamlit.app as app

        logging.getLogger("streamlit").setLevel(logging.ERROR)
        self.forget = AppTest.from_function(forget_tables)
        self.at = AppTest.from_file(app.__file__, default_timeout=3600)
        self.at.run()

    def connect(self, url: str) -> float:
        """Sign in; returns the seconds until everything is read and Home is shown."""
        typed = {"api_key": "demo-api-key", "security_key": "demo-security-key"}
        for name, text in {**typed, "study_key": "DEMO", "base_url": url}.items():
            self.at.text_input(key=f"_imednet_{name}").input(text)
        self.at.sidebar.button[0].click()
        return self._waits(self.at.run)

    def opens(self, page: str) -> float:
        """Open a page of which nothing has been worked out; returns the seconds it takes."""
        self.forget.run()
        return self._waits(self.at.switch_page(f"views/{page}.py").run)

    def filters(self, kind: str, key: str, value: Any) -> float:
        """Change a filter and back; returns the seconds until the page with it is complete."""
        before = getattr(self.at, kind)(key=key).value
        taken = self._waits(getattr(self.at, kind)(key=key).set_value(value).run)
        getattr(self.at, kind)(key=key).set_value(before).run()
        return taken

    def _waits(self, run: Callable[[], object]) -> float:
        started = time.perf_counter()
        run()
        taken = time.perf_counter() - started
        if self.at.exception or self.at.error:
            told = [str(each.value) for each in (*self.at.exception, *self.at.error)]
            raise RuntimeError(f"the page failed: {told}")
        return taken
