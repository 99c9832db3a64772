"""The conformance kit's part for pages of the dashboard; the rest is `imednet_simulator.testing`.

```python
from imednet_streamlit.testing import DashboardPageTests


class TestVisits(DashboardPageTests):
    name = "visits"  # the entry point in the group imednet.dashboard
```
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from imednet_simulator import Simulator
    from imednet_simulator.testing import RegisteredTests
    from imednet_simulator.testing.fresh import KEYS, fail
except ImportError as error:
    raise ImportError(
        "imednet_streamlit.testing needs imednet-simulator and pytest. Install them with:\n"
        "  pip install 'imednet-streamlit[testing]'"
    ) from error

import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from imednet import ImednetSDK, entry_points
from imednet_streamlit.data import Connection

__all__ = ["DashboardPageTests"]

SCRIPT = """
import streamlit as st
from imednet_streamlit import extensions

page = extensions.page(st.session_state["point"], lambda: st.session_state["here"])
st.navigation([page]).run()
"""
TIMEOUT = 60  # seconds, far more than a page may take
TOKEN = "token-of-the-kit"


class DashboardPageTests(RegisteredTests):
    """Tests of a page, drawn as the dashboard draws it, without a browser.

    The full study is that of the fixture `imednet_simulator`; the empty one has a site
    and forms, and no subject yet.

    Attributes:
        name: the entry point's name in the group `imednet.dashboard`.

    Example:
        ```python
        class TestVisits(DashboardPageTests):
            name = "visits"
        ```
    """

    group = entry_points.DASHBOARD
    example = "your_package.page"

    def test_it_draws_a_full_study(self, imednet_simulator: Simulator) -> None:
        with self.drawn(imednet_simulator) as at:
            self._check(at, "the simulator's study")

    def test_it_draws_an_empty_study(self) -> None:
        with Simulator(subjects=0, sites=1) as simulator, self.drawn(simulator) as at:
            self._check(at, "a study without subjects")

    def test_it_shows_no_key(self, imednet_simulator: Simulator) -> None:
        keys = imednet_simulator.api_key, imednet_simulator.security_key
        with self.drawn(imednet_simulator) as at:
            text = "\n".join(map(_text, _elements(at)))
        if any(key in text for key in keys):
            fail(f"the page {self.name!r} shows an API key: it needs none, the SDK has them.")

    def test_what_cannot_be_read_is_not_shown_as_empty(self, imednet_simulator: Simulator) -> None:
        with self.drawn(imednet_simulator, KEYS) as at:
            if not (at.exception or at.error or at.warning):
                fail(
                    f"the page {self.name!r} shows no error although the server refused the keys, "
                    "and nobody can tell that from an empty study: let ImednetError through, or "
                    "catch it and draw st.error(...)."
                )

    @contextmanager
    def drawn(self, simulator: Simulator, keys: tuple[str, str] | None = None) -> Iterator[AppTest]:
        """Draw the page; `keys` are others than the simulator's. Gives Streamlit's AppTest.

        Example:
            ```python
            def test_the_title(self, imednet_simulator):
                with self.drawn(imednet_simulator) as at:
                    assert at.title[0].value == "Visits"
            ```
        """
        api_key, security_key = keys or (simulator.api_key, simulator.security_key)
        st.cache_data.clear()
        st.cache_resource.clear()
        with ImednetSDK(api_key, security_key, simulator.url, retries=0) as sdk:
            at = AppTest.from_string(SCRIPT, default_timeout=TIMEOUT)
            at.session_state["point"] = self.point
            at.session_state["here"] = Connection(sdk, simulator.study_key, TOKEN)
            yield at.run()

    def _check(self, at: AppTest, study: str) -> None:
        if at.exception:
            first = at.exception[0]
            trace = "\n".join(first.stack_trace)
            fail(f"drawing {self.name!r} on {study} raised: {first.message}\n{trace}")
        if at.error:
            fail(f"drawing {self.name!r} on {study} showed the error: {at.error[0].value}")
        if not _elements(at):
            fail(f"drawing {self.name!r} on {study} showed nothing: say what there is, or is not.")


def _elements(at: AppTest) -> list[Element]:
    """Return all that is drawn, on the page and in the sidebar."""
    return [part for block in (at.main, at.sidebar) for part in block if isinstance(part, Element)]


def _text(element: Element) -> str:
    """Return an element in words, with what stands in a table."""
    value: Any = getattr(element, "value", None)
    return f"{element.proto} {value.to_csv() if hasattr(value, 'to_csv') else value}"
