"""What importing costs: pandas only where frames are, the CEL library only where it is used."""

from __future__ import annotations

from typing import Any

import pytest

SCRIPT = """
go()
import {module}
print(sorted(set(sys.modules) & {{"pandas", "numpy", "cel_expr_python"}}))
"""


@pytest.mark.parametrize(
    ("module", "loaded"),
    [
        ("imednet_workflows", []),
        ("imednet_workflows.config_store", []),
        ("imednet_workflows.triage_store", []),
        ("imednet_workflows.standards", []),
        ("imednet_workflows.canonical", ["numpy", "pandas"]),
    ],
)
def test_imports_are_light(together: Any, module: str, loaded: list[str]) -> None:
    assert together(SCRIPT.format(module=module), 1)[0].splitlines()[-1] == str(loaded)
