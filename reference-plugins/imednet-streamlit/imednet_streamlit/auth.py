"""Signing in and out: what a session keeps is the SDK, the study and a random token."""

from __future__ import annotations

import ipaddress
import os
import secrets
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import streamlit as st

from imednet import ImednetSDK
from imednet.errors import (
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    ImednetError,
    NotFoundError,
    RequestError,
)
from imednet_streamlit import data
from imednet_streamlit.commands import DEMO
from imednet_streamlit.data import Connection
from imednet_streamlit.drafts import DRAFT
from imednet_streamlit.people import COMMENTS, NAME

__all__ = ["connection", "sidebar"]

API_KEY, SECURITY_KEY = "_imednet_api_key", "_imednet_security_key"
STUDY_KEY, ADDRESS = "_imednet_study_key", "_imednet_base_url"
FIELDS = (API_KEY, SECURITY_KEY, STUDY_KEY, ADDRESS)
SDK, STUDY, TOKEN = "_imednet_sdk", "_imednet_study", "_imednet_token"
REFUSAL, LEFT = "_imednet_refusal", "_imednet_left_demo"
#: What every simulator accepts unless told otherwise; they open nothing else.
DEMO_API_KEY, DEMO_SECURITY_KEY, DEMO_STUDY = "demo-api-key", "demo-security-key", "DEMO"


class _Entered(NamedTuple):
    """What was typed, out of sight of a traceback that shows locals."""

    api_key: str
    security_key: str
    study_key: str
    address: str

    def __repr__(self) -> str:
        return "<what was typed>"


def connection() -> Connection | None:
    """Return this session's connection, or None while nobody is signed in."""
    state = st.session_state
    if TOKEN not in state:
        return None
    return Connection(state[SDK], state[STUDY], state[TOKEN])


def sidebar() -> Connection | None:
    """Draw the fields to sign in, or the connection; returns the connection."""
    _join_demo()
    here = connection()
    with st.sidebar:
        if here is None:
            _form()
        else:
            st.success("Connected ✓")
            st.text(f"Study {here.study_key}")
            st.button("Disconnect", on_click=_disconnect, width="stretch")
            st.button(
                "Refresh",
                on_click=data.clear,
                args=(here,),
                width="stretch",
                help="Read the study again now; otherwise what was read is kept for ten minutes.",
            )
    return here


def _form() -> None:
    refusal = st.session_state.get(REFUSAL)
    if refusal:
        st.error(refusal)
    st.text_input("API key", type="password", key=API_KEY, autocomplete="off")
    st.text_input("Security key", type="password", key=SECURITY_KEY, autocomplete="off")
    st.text_input("Study key", key=STUDY_KEY, autocomplete="off")
    with st.expander("Another server"):
        st.text_input(
            "Server address",
            key=ADDRESS,
            placeholder="https://",
            autocomplete="off",
            help="Leave it empty for iMednet's own server.",
        )
    st.button("Connect", type="primary", on_click=_connect, width="stretch")


def _connect() -> None:
    """Try what was typed: keep the connection and drop the fields, or say why not."""
    state = st.session_state
    entered = _Entered(*(str(state.get(name) or "").strip() for name in FIELDS))
    refusal = _tried(entered)
    if refusal is None:
        for name in (*FIELDS, REFUSAL):
            state.pop(name, None)
    else:
        for name in FIELDS:
            state[name] = ""
        state[REFUSAL] = refusal


def _tried(entered: _Entered) -> str | None:
    """Connect; returns None, or the refusal in a sentence that holds nothing of what was typed."""
    if not (entered.api_key and entered.security_key and entered.study_key):
        return "Please fill in the API key, the security key and the study key."
    try:
        sdk = ImednetSDK(
            api_key=entered.api_key,
            security_key=entered.security_key,
            base_url=entered.address or None,
        )
        _look(sdk, entered.study_key)
    except ImednetError as error:
        return _sentence(error)
    state = st.session_state
    state[SDK], state[STUDY], state[TOKEN] = sdk, entered.study_key, secrets.token_hex(16)
    return None


def _look(sdk: Any, study_key: str) -> None:
    """Read one site, which shows whether the keys and the study are good."""
    sites = getattr(sdk, "sites", None)
    if sites is not None:  # an SDK without sites: the pages say what they cannot read
        sites.list(study_key, limit=1)


def _sentence(error: ImednetError) -> str:
    if isinstance(error, AuthenticationError):
        return "The server does not accept these keys. Check both keys and try again."
    if isinstance(error, (AuthorizationError, NotFoundError)):
        return "These keys open no study with this study key. Check the study key and try again."
    if isinstance(error, ConfigurationError):
        return "The server address or a key cannot be used as typed. Check them and try again."
    if isinstance(error, RequestError):
        return "No answer from the server. Check the address and the network, then try again."
    return f"Connecting failed ({type(error).__name__}). Try again in a while."


def _disconnect() -> None:
    here, state = connection(), st.session_state
    if here is not None:
        data.clear(here)
        close = getattr(here.sdk, "close", None)
        if close is not None:
            close()
    for name in (SDK, STUDY, TOKEN, REFUSAL, DRAFT, NAME, COMMENTS):
        state.pop(name, None)
    state[LEFT] = True


def _join_demo() -> None:
    """Connect to a simulator on this machine, where the demo started this dashboard for it."""
    address = os.environ.get(DEMO, "")
    state = st.session_state
    if address and TOKEN not in state and LEFT not in state and _is_loopback(address):
        refusal = _tried(_Entered(DEMO_API_KEY, DEMO_SECURITY_KEY, DEMO_STUDY, address))
        if refusal is not None:
            state[LEFT] = True
            state[REFUSAL] = f"The demo's simulator cannot be read. {refusal}"


def _is_loopback(address: str) -> bool:
    """Tell whether an address is plain http to this machine and holds no name or password."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or "@" in parts.netloc:
            return False
        if parts.hostname == "localhost":
            return True
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
