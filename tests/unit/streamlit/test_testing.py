"""The conformance kit for pages: a good page passes it, a broken one is told what to change."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from isolated import python
from wheels import Wheels, wheels  # noqa: F401

from imednet_simulator import Simulator
from imednet_simulator.testing import CommandPluginTests
from imednet_streamlit.testing import DashboardPageTests

pytest_plugins = ["pytester"]

LOOK = "imednet.dashboard: look"
GOOD = """
import streamlit as st

title, icon = "Look", ":material/search:"

def render(sdk, study_key):
    subjects = sdk.subjects.list(study_key)
    if not subjects:
        st.info("No subjects yet.")
        return
    st.dataframe([{"subject": s.subject_key, "status": s.subject_status} for s in subjects])
"""
TESTS = """
from imednet_streamlit.testing import DashboardPageTests

class TestLook(DashboardPageTests):
    name = "look"

    def test_the_table(self, imednet_simulator):
        with self.drawn(imednet_simulator) as at:
            assert len(at.dataframe[0].value) == 40
"""


class TestDashboard(CommandPluginTests):
    name = "dashboard"
    calls = ()


def test_a_good_page_passes_with_a_test_file_of_a_few_lines(
    pytester: pytest.Pytester,
    wheels: Wheels,  # noqa: F811
) -> None:
    wheels.install("good-pages", GOOD, {LOOK: "__name__"})
    points = wheels.folder / "good_pages-1.0.dist-info" / "entry_points.txt"
    points.write_text("[imednet.dashboard]\nlook = good_pages\n")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=7)


def said(test: Callable[..., None], *arguments: Any) -> str:
    with pytest.raises(pytest.fail.Exception) as caught:
        test(*arguments)
    return str(caught.value)


FULL, EMPTY, KEY, REFUSED, CHECK = (
    "test_it_draws_a_full_study",
    "test_it_draws_an_empty_study",
    "test_it_shows_no_key",
    "test_what_cannot_be_read_is_not_shown_as_empty",
    "test_the_check_of_the_core_finds_nothing",
)


@pytest.mark.parametrize(
    ("body", "test", "text"),
    [
        (
            "sdk.sights.list(study_key)",
            FULL,
            "drawing 'look' on the simulator's study raised: 'ImednetSDK' object has no attribute "
            "'sights'\n*some_pages.py*",
        ),
        (
            "st.metric('First', sdk.subjects.list(study_key)[0].subject_key)",
            EMPTY,
            "drawing 'look' on a study without subjects raised: list index out of range\n*",
        ),
        (
            "st.error('Something went wrong') if sdk.subjects.count(study_key) else st.text('x')",
            FULL,
            "drawing 'look' on the simulator's study showed the error: Something went wrong",
        ),
        (
            "for s in sdk.subjects.list(study_key): st.text(s.subject_key)",
            EMPTY,
            "drawing 'look' on a study without subjects showed nothing: say what there is, or is "
            "not.",
        ),
        (
            "st.text(sdk._credentials.headers())",
            KEY,
            "the page 'look' shows an API key: it needs none, the SDK has them.",
        ),
        (
            "st.dataframe([sdk._credentials.headers()])",
            KEY,
            "the page 'look' shows an API key: it needs none, the SDK has them.",
        ),
        (
            "try: st.metric('Sites', sdk.sites.count(study_key))\n"
            "        except Exception: st.metric('Sites', 0)",
            REFUSED,
            "the page 'look' shows no error although the server refused the keys, and nobody can "
            "tell that from an empty study: let ImednetError through, or catch it and draw "
            "st.error(...).",
        ),
    ],
    ids=[
        "raises",
        "raises on empty",
        "error",
        "silent on empty",
        "key",
        "key in a table",
        "swallows",
    ],
)
def test_a_page_that_is_not_as_it_should_be(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    body: str,
    test: str,
    text: str,
) -> None:
    tests = page(
        wheels, f"title, icon = 'Look', None\n    def render(sdk, study_key):\n        {body}"
    )
    needs = [] if test in (EMPTY, CHECK) else [imednet_simulator]
    assert fnmatchcase(said(getattr(tests, test), *needs), text)


def page(wheels: Wheels, body: str) -> DashboardPageTests:  # noqa: F811
    source = f"import streamlit as st\n\nclass page:\n    {body}\n"
    wheels.install("some-pages", source, {LOOK: "page"})
    tests: Any = type("TestLook", (DashboardPageTests,), {"name": "look"})
    return tests()


@pytest.mark.parametrize("icon", ["':material/no_such_icon:'", "'icon'"], ids=["material", "word"])
def test_an_icon_that_streamlit_does_not_have(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    icon: str,
) -> None:
    tests = page(wheels, f"title, icon = 'Look', {icon}\n    def render(sdk, key): st.text('x')")
    text = said(tests.test_it_draws_a_full_study, imednet_simulator)
    assert "is not a valid" in text


def test_a_page_without_a_title(wheels: Wheels) -> None:  # noqa: F811
    tests = page(wheels, "def render(sdk, study_key): ...")
    assert said(tests.test_the_check_of_the_core_finds_nothing).endswith(
        ": it has no title: give it one, a line of text."
    )


def test_one_that_is_not_installed() -> None:
    tests: Any = type("TestLook", (DashboardPageTests,), {"name": "look"})
    assert said(tests().test_it_is_registered_once) == (
        "nothing is registered as 'look' in the group imednet.dashboard (there: nothing). Put this "
        "into pyproject.toml, and install the package again with `pip install -e .`:\n\n"
        '[project.entry-points."imednet.dashboard"]\nlook = "your_package.page"'
    )


@pytest.mark.parametrize("module", ["imednet_simulator", "pytest"])
def test_without_what_it_needs_it_says_what_to_install(module: str) -> None:
    done = python(
        "-c", f"import sys; sys.modules[{module!r}] = None\nimport imednet_streamlit.testing"
    )
    assert done.returncode == 1
    assert done.stderr.endswith("[testing]'\n")
