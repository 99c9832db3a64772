"""Sites and forms by their names, and what stands there where they have none."""

from __future__ import annotations

import doctest

import pandas as pd
import pytest

from imednet_streamlit import naming


def test_the_examples_run() -> None:
    assert doctest.testmod(naming).failed == 0
    assert doctest.testmod(naming).attempted > 3


@pytest.mark.parametrize(
    ("keys", "names", "called"),
    [
        (["VS"], ["Vitals"], ["Vitals"]),
        (["VS"], [None], ["VS"]),
        (["VS"], ["  "], ["VS"]),
        (["A", "B"], ["Lab", "Lab"], ["Lab (A)", "Lab (B)"]),
        (["A", "B"], [None, "A"], ["A", "A (B)"]),
        (["A", "A"], ["Old", "New"], ["Old"]),
        ([None], ["Nameless"], []),
        ([], [], []),
    ],
    ids=["name", "none", "blank", "twice", "a key's", "versions", "no key", "no forms"],
)
def test_form_names(keys: list[str], names: list[str], called: list[str]) -> None:
    forms = pd.DataFrame({"form_key": keys, "form_name": names}, dtype="string")
    assert list(naming.form_names(forms).values()) == called


def test_the_name_takes_the_keys_place() -> None:
    table = pd.DataFrame({"form_key": ["VS", "OLD", None], "rows": [1, 2, 3]})
    shown = naming.with_forms(table, {"VS": "Vitals"})
    assert shown.columns.tolist() == ["form_name", "rows", "form_key"]
    assert shown["form_name"].tolist() == ["Vitals", "OLD", "No form"]
    assert naming.with_forms(table.iloc[:0], {})["form_name"].tolist() == []
