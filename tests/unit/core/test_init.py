"""What is public, what an import costs, and the core in a zip file."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from isolated import python

import imednet

MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(imednet.__path__, "imednet.")
    if not name.endswith("__main__")
)
HEAVY = ["urllib3", "dataclasses_json", "marshmallow", "fire", "asyncio"]


@pytest.mark.parametrize("name", ["imednet", *MODULES])
def test_all_is_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__ == sorted(module.__all__, key=lambda n: (n.startswith("__"), n)) or (
        module.__all__ == sorted(module.__all__, key=_as_ruff_sorts)
    )
    assert len(set(module.__all__)) == len(module.__all__)
    missing = [each for each in module.__all__ if not hasattr(module, each)]
    assert missing == []


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", ["imednet.errors", "imednet.resources", "imednet.models.edc"])
def test_all_is_complete(name: str) -> None:
    """Every public class that a module defines is in its `__all__`."""
    module = importlib.import_module(name)
    defined = {
        each
        for each, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == name and not each.startswith("_")
    }
    assert defined <= set(module.__all__)


def test_the_public_names() -> None:
    assert sorted(imednet.__all__) == ["AsyncImednetSDK", "ImednetSDK", "__version__"]
    assert set(imednet.__all__) <= set(dir(imednet))
    assert imednet.__version__ == metadata.version("imednet")


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match=r"^module 'imednet' has no attribute 'Nothing'$"):
        imednet.Nothing  # noqa: B018
    with pytest.raises(
        AttributeError, match=r"^module 'imednet\.models' has no attribute 'Nothing'$"
    ):
        importlib.import_module("imednet.models").Nothing  # noqa: B018


@pytest.mark.parametrize("name", ["imednet", "imednet.models"])
def test_dir_tells_of_names_that_are_not_loaded_yet(name: str) -> None:
    code = f"import {name} as m; assert set(m.__all__) <= set(dir(m)), dir(m)"
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def loaded(code: str) -> set[str]:
    """Run code in a fresh Python; returns which of the heavy modules it loaded."""
    tail = f"\nimport sys, json; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = python("-c", code + tail)
    assert (done.returncode, done.stderr) == (0, "")
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import imednet", set()),
        ("import imednet.errors, imednet.plugins, imednet.models, imednet.config", set()),
        ("from imednet import ImednetSDK; ImednetSDK('a', 'b')", set()),
        ("from imednet.models import Site; Site(site_id=1)", set()),
        ("import imednet.http", {"urllib3"}),
    ],
    ids=["import", "modules", "sdk", "models", "http"],
)
def test_what_an_import_loads(code: str, heavy: set[str]) -> None:
    assert loaded(code) == heavy


def test_the_first_row_needs_no_dataclasses_json(imednet_simulator: Any) -> None:
    sim = imednet_simulator
    code = (
        "from imednet import ImednetSDK\n"
        f"with ImednetSDK({sim.api_key!r}, {sim.security_key!r}, {sim.url!r}) as sdk:\n"
        "    assert sdk.sites.list('DEMO', limit=1)[0].site_id == 1"
    )
    assert "dataclasses_json" not in loaded(code)


# --- from a zip file

NEEDED = [
    "urllib3",
    "dataclasses_json",
    "marshmallow",
    "typing_inspect",
    "packaging",
    "mypy_extensions",
]
NEEDED += ["typing_extensions", "fire", "termcolor"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core and the pure Python of what it needs, as one file."""
    path = tmp_path_factory.mktemp("zip") / "core.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ["imednet", *NEEDED]:
            spec = importlib.util.find_spec(name)
            if spec is None:  # not every version of these needs every other
                continue
            assert spec.origin is not None
            origin = Path(spec.origin)
            if not spec.submodule_search_locations:
                archive.write(origin, origin.name)
                continue
            for source in origin.parent.rglob("*.py"):
                archive.write(source, Path(name) / source.relative_to(origin.parent))
    return path


def zipped(archive: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that sees its own library and the zip file only."""
    start = f"import sys; sys.path.insert(0, {str(archive)!r})\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-E", "-c", start + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=archive.parent,
    )


def test_the_core_lists_sites_from_a_zip_file(archive: Path, imednet_simulator: Any) -> None:
    sim = imednet_simulator
    code = (
        "import imednet\n"
        "assert '.zip' in imednet.__file__, imednet.__file__\n"
        "from imednet import ImednetSDK\n"
        f"with ImednetSDK({sim.api_key!r}, {sim.security_key!r}, {sim.url!r}) as sdk:\n"
        "    sites = sdk.sites.list('DEMO')\n"
        "    print(len(sites), sites[0].to_dict()['siteId'], sdk.workflows)\n"
    )
    done = zipped(archive, code)
    assert (done.stdout, done.stderr) == ("6 1 <sdk.workflows: not installed>\n", "")


def test_the_command_line_works_from_a_zip_file(archive: Path, imednet_simulator: Any) -> None:
    sim = imednet_simulator
    code = (
        "import os\n"
        f"os.environ.update(IMEDNET_API_KEY={sim.api_key!r}, IMEDNET_BASE_URL={sim.url!r},\n"
        f"    IMEDNET_SECURITY_KEY={sim.security_key!r})\n"
        "from imednet.cli import main\n"
        "sys.argv = ['imednet', 'sites', 'count', 'DEMO']\n"
        "sys.exit(main())\n"
    )
    done = zipped(archive, code)
    assert (done.stdout, done.stderr, done.returncode) == ("6\n", "", 0)


def test_the_zip_file_is_small(archive: Path) -> None:
    assert archive.stat().st_size < 2 * 2**20
