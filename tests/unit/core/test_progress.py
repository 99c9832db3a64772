"""Progress on one line of standard error, as a terminal shows it."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest
from cli_terminal import shown

from imednet.progress import Progress


def test_progress_that_grows_shorter_leaves_nothing_of_what_was_longer() -> None:
    out = io.StringIO()
    with contextlib.redirect_stderr(out):
        progress = Progress(shown=True)
        for done, total in ((1000, 1000), (7, 9)):
            progress(done, total)
            before = shown(out.getvalue())
        progress.close()
        progress.close()  # an error wipes once more
        sys.stderr.write("x")
    assert before == ["7 of 9 rows"]
    assert shown(out.getvalue()) == ["x"]


def test_lists_that_are_read_side_by_side_are_summed() -> None:
    out = io.StringIO()
    with contextlib.redirect_stderr(out), Progress(shown=True) as progress:
        progress.of("sites", 500, 1000)
        progress.of("subjects", 1, 1)
        progress.of("sites", 1000, 1000)
        before = shown(out.getvalue())
    assert before == ["1,001 of 1,001 rows"]
    assert shown(out.getvalue()) == [""]


@pytest.mark.parametrize("choice", [None, False], ids=["no terminal", "not wanted"])
def test_where_nobody_looks_nothing_is_written(choice: bool | None) -> None:
    out = io.StringIO()
    with contextlib.redirect_stderr(out), Progress(choice) as progress:
        progress(1, 2)
        assert list(progress.until_last(iter("ab"))) == ["a", "b"]
    assert out.getvalue() == ""
