"""Throw-away distributions: what an installed wheel leaves in site-packages."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from textwrap import dedent

import pytest

WHOLE = """
class Namespace:
    data_extraction = query_management = record_mapper = record_update = subject_data = "here"

    def __init__(self, sdk):
        self.sdk = sdk

def create_workflows(sdk):
    return Namespace(sdk)
"""


class Wheels:
    """A folder on `sys.path` that distributions are put into, as an installer does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(
        self, name: str, source: str, entry_points: dict[str, str], version: str = "1.0"
    ) -> None:
        """Install a distribution of one module (its name with underscores).

        `entry_points` maps "group: name" to an object reference in that module.
        """
        module = name.replace("-", "_")
        self.modules.append(module)
        (self.folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for place, reference in entry_points.items():
            group, _, entry = place.partition(": ")
            lines += [f"[{group}]", f"{entry} = {module}:{reference}", ""]
        (info / "entry_points.txt").write_text("\n".join(lines))
        (info / "RECORD").write_text(f"{module}.py,,\n{info.name}/METADATA,,\n")
        importlib.invalidate_caches()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An installer into a folder that is on the path for this test only."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    installer = Wheels(folder)
    yield installer
    for module in installer.modules:
        sys.modules.pop(module, None)
