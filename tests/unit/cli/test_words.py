"""Words to arguments: every word is accounted for, and text arrives as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.commands import Usage
from imednet.words import arguments

text = st.text(st.characters(exclude_characters="\0"), max_size=20)
words = st.lists(
    st.one_of(
        st.sampled_from(["--label", "--number", "--loud", "--no-loud", "--other", "-x", "--", "-"]),
        st.sampled_from(["--label=x", "--number=7", "--loud=true", "--label=", "7", "true", "x"]),
        text,
    ),
    max_size=6,
)


def command(name: str, *, label: str = "", number: int = 0, loud: bool = False) -> None: ...


def read(*given: str) -> dict[str, Any]:
    return arguments(command, list(given), "imednet command")


@given(text)
def test_text_behind_an_equals_sign_is_taken_as_it_stands(value: str) -> None:
    assert read("x", f"--label={value}") == {"name": "x", "label": value}


@given(text.filter(lambda value: not value.startswith("--")))
def test_text_behind_a_flag_is_taken_as_it_stands(value: str) -> None:
    assert read("x", "--label", value) == {"name": "x", "label": value}


@given(text.filter(lambda value: not value.startswith("-") or value == "-"))
def test_a_word_is_taken_as_it_stands(value: str) -> None:
    assert read(value) == {"name": value}


@given(st.integers())
def test_whole_numbers_are_numbers(value: int) -> None:
    assert read("x", "--number", str(value)) == {"name": "x", "number": value}
    assert read("x", f"--number={value}") == {"name": "x", "number": value}


@given(words)
def test_no_word_is_lost(line: list[str]) -> None:
    """Either the line is refused, or what it gave can be written as the same words."""
    try:
        found = read(*line)
    except Usage:
        return
    rest = list(line)
    for name, value in found.items():
        if name == "loud":
            spellings = (
                [["--loud=true"], ["--loud", "true"], ["--loud"]] if value else [["--no-loud"]]
            )
        else:
            spellings = [[f"--{name}={value}"], [f"--{name}", str(value)], [str(value)]]
        for spelling in spellings:
            at = next(
                (i for i in range(len(rest)) if rest[i : i + len(spelling)] == spelling), None
            )
            if at is not None:
                del rest[at : at + len(spelling)]
                break
    assert rest == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param([], "NAME is missing", id="missing"),
        pytest.param(["x", "y"], "'y' is a word too many", id="word"),
        pytest.param(
            ["x", "--lable=1"], "there is no flag --lable (did you mean --label?)", id="flag"
        ),
        pytest.param(
            ["x", "--=1"], "'--=1' is no flag: flags begin with -- and a name", id="nameless"
        ),
    ],
)
def test_what_is_refused_says_why(line: list[str], message: str) -> None:
    with pytest.raises(Usage) as refused:
        read(*line)
    assert str(refused.value) == f"{message}. See imednet command --help."
