"""The fixtures, as a plugin author's tests get them."""

from __future__ import annotations

from typing import Any

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

seen = []

def test_reading(imednet_sdk, imednet_simulator):
    assert imednet_sdk.subjects.count("DEMO") == 40
    seen.append(imednet_simulator.url)

def test_the_same_server_again(imednet_simulator):
    assert seen == [imednet_simulator.url]
    assert len(imednet_simulator.study["sites"]) == 6

@pytest.mark.parametrize("number", [1, 2])
def test_each_its_own(fresh_simulator, number):
    assert fresh_simulator.url not in seen
    seen.append(fresh_simulator.url)
    fresh_simulator.fail_next("500")
"""


def test_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4)


def test_an_sdk_on_the_session_server(imednet_sdk: Any, api: Any) -> None:
    sites = imednet_sdk.sites.list("DEMO")
    assert [site.site_name for site in sites] == [row["siteName"] for row in api.rows("sites")]
