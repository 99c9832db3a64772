"""Which posted values fit which type."""

from __future__ import annotations

import pytest

from imednet_simulator.values import as_text, fits


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("INTEGER", "12", True),
        ("INTEGER", "-3", True),
        ("INTEGER", "1.0", False),
        ("INTEGER", "", True),
        ("INTEGER", None, True),
        ("FLOAT", "1.5", True),
        ("FLOAT", ".5", True),
        ("FLOAT", "nan", False),
        ("DATE", "2024-02-29", True),
        ("DATE", "2023-02-29", False),
        ("DATE", "20240229", False),
        ("DATE", "2024-UN-UN", True),
        ("DATE", "2024-02-UN", True),
        ("DATE", "2024-00-UN", False),
        ("DATE", "UNKN-UN-UN", False),
        ("DATETIME", "2024-02-29 10:00", True),
        ("DATETIME", "2024-02-29T10:00:59", True),
        ("DATETIME", "2024-02-29", True),
        ("DATETIME", "2024-02-UN", True),
        ("DATETIME", "2024-02-29 24:00", False),
        ("TIME", "23:59", True),
        ("TIME", "9:05", False),
        ("TEXT", "anything", True),
        ("RADIO", "anything", True),
    ],
)
def test_fits(kind: str, value: str | None, expected: bool) -> None:
    assert fits(kind, value) is expected


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("x", "x"), (True, "true"), (3, "3"), (1.5, "1.5")]
)
def test_as_text(value: object, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [[], {}])
def test_only_scalars(value: object) -> None:
    with pytest.raises(TypeError, match="not a scalar"):
        as_text(value)
