"""Signing in and out: what is kept, what is said, and what is never seen again."""

from __future__ import annotations

import logging
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

import imednet_streamlit.app as app
from imednet_streamlit import auth

API, SECURITY = "key-of-the-api-1", "key-of-security-2"
PRIVATE = ("_imednet_api_key", "_imednet_security_key", "_imednet_study_key")


@pytest.fixture
def keyed() -> Any:
    from imednet_simulator import Simulator

    with Simulator(sites=2, subjects=4, api_key=API, security_key=SECURITY) as simulator:
        yield simulator


def test_the_documented_flow() -> None:
    with patch("imednet_streamlit.auth.ImednetSDK", return_value=object()):
        at = AppTest.from_file(app.__file__)
        at.run()
        at.text_input(key="_imednet_api_key").input("A")
        at.text_input(key="_imednet_security_key").input("B")
        at.text_input(key="_imednet_study_key").input("C")
        at.sidebar.button[0].click()
        at.run()

        assert at.sidebar.success[0].value == "Connected ✓"
        assert not at.exception
        assert "sites could not be read" in at.error[0].value


def test_the_sdk_gets_what_was_typed() -> None:
    with patch("imednet_streamlit.auth.ImednetSDK", return_value=object()) as made:
        at = AppTest.from_file(app.__file__).run()
        at.text_input(key="_imednet_api_key").input(" A ")
        at.text_input(key="_imednet_security_key").input("B")
        at.text_input(key="_imednet_study_key").input("C")
        at.sidebar.button[0].click().run()

    made.assert_called_once_with(api_key="A", security_key="B", base_url=None)


def test_keys_are_masked_and_connect_comes_first(dashboard: Any) -> None:
    fields = {field.key: field for field in dashboard.at.text_input}

    assert fields["_imednet_api_key"].proto.type == fields["_imednet_security_key"].proto.type == 1
    assert dashboard.at.sidebar.button[0].label == "Connect"
    assert dashboard.at.title[0].value == "iMednet dashboard"


def test_only_sdk_study_and_token_are_kept(
    dashboard: Any, keyed: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    dashboard.connect(keyed)
    dashboard.open("query_status.py").open("home.py")

    state = dashboard.state
    kept = {name for name in state if name.startswith("_imednet")}
    assert kept == {"_imednet_sdk", "_imednet_study", "_imednet_token"}
    captured = capfd.readouterr()
    seen = [repr(state), dashboard.text, caplog.text, captured.out, captured.err]
    seen.append(str(dashboard.at.query_params))
    for key in (API, SECURITY):
        assert not any(key in text for text in seen)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"api_key": "wrong-key-9"}, "does not accept these keys"),
        ({"security_key": "wrong-key-9"}, "does not accept these keys"),
        ({"study_key": "wrong-key-9"}, "open no study"),
        ({"api_key": "wrong-key-9\u00e9"}, "cannot be used as typed"),
    ],
)
def test_a_refusal_is_a_sentence(
    dashboard: Any, keyed: Any, wrong: dict[str, str], says: str
) -> None:
    dashboard.connect(keyed, **wrong)

    assert says in dashboard.at.sidebar.error[0].value
    assert not dashboard.at.exception
    assert not dashboard.at.sidebar.success
    assert "wrong-key-9" not in dashboard.text
    assert [dashboard.at.text_input(key=name).value for name in PRIVATE] == ["", "", ""]
    state = repr(dashboard.state)
    assert API not in state
    assert "wrong-key-9" not in state

    dashboard.connect(keyed)
    assert dashboard.at.sidebar.success[0].value == "Connected ✓"
    assert not dashboard.at.sidebar.error


def test_no_answer_and_nothing_typed(dashboard: Any, keyed: Any) -> None:
    dashboard.at.sidebar.button[0].click().run()
    assert "Please fill in" in dashboard.at.sidebar.error[0].value

    keyed.stop()
    dashboard.connect(keyed)
    assert "No answer from the server" in dashboard.at.sidebar.error[0].value


def test_a_mistake_of_ours_is_not_called_a_refusal(dashboard: Any, keyed: Any) -> None:
    with patch("imednet_streamlit.auth.ImednetSDK", side_effect=TypeError("ours")):
        dashboard.connect(keyed)
    assert dashboard.at.exception
    assert not dashboard.at.sidebar.success


def test_disconnect_forgets(dashboard: Any, keyed: Any) -> None:
    dashboard.connect(keyed)
    dashboard.at.sidebar.button[0].click().run()

    assert dashboard.at.title[0].value == "iMednet dashboard"
    assert dashboard.at.sidebar.button[0].label == "Connect"
    assert "_imednet_sdk" not in dashboard.at.session_state
    assert "_imednet_token" not in dashboard.at.session_state


def test_the_environment_signs_nobody_in(
    new_dashboard: Any, keyed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", API)
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", SECURITY)
    monkeypatch.setenv("IMEDNET_BASE_URL", keyed.url)
    dashboard = new_dashboard()
    assert not dashboard.at.sidebar.success

    dashboard.at.text_input(key="_imednet_study_key").input("DEMO")
    dashboard.at.sidebar.button[0].click().run()
    assert "Please fill in" in dashboard.at.sidebar.error[0].value


def test_the_demo_is_connected_at_once_and_only_until_it_is_left(
    new_dashboard: Any, single: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_DASHBOARD_DEMO", single.url)
    dashboard = new_dashboard()
    assert dashboard.at.sidebar.success[0].value == "Connected ✓"

    dashboard.at.sidebar.button[0].click().run()
    assert not dashboard.at.sidebar.success
    dashboard.at.run()
    assert not dashboard.at.sidebar.success


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("http://127.0.0.1:8600", True),
        ("http://localhost:8600", True),
        ("http://[::1]:8600", True),
        ("http://127.0.0.1.example.com:8600", False),
        ("http://127.0.0.1@example.com", False),
        ("http://user:word@127.0.0.1", False),
        ("https://edc.prod.imednetapi.com", False),
        ("http://0.0.0.0:8600", False),
        ("http://[", False),
        ("file:///etc/passwd", False),
        ("127.0.0.1", False),
        ("", False),
    ],
)
def test_the_demo_is_on_this_machine(address: str, accepted: bool) -> None:
    assert auth._is_loopback(address) is accepted


def test_a_demo_elsewhere_is_not_even_asked(
    new_dashboard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_DASHBOARD_DEMO", "http://example.com")
    with patch("imednet_streamlit.auth.ImednetSDK") as made:
        assert not new_dashboard().at.sidebar.success
    made.assert_not_called()
