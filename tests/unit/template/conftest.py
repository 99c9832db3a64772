"""Settings of cookiecutter and git that are nobody's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory):
    """Keep cookiecutter and git out of the home folder of whoever runs this."""
    folder = tmp_path_factory.mktemp("settings")
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'cloned'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COOKIECUTTER_CONFIG", str(config))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "A. Tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
        yield


@pytest.fixture(scope="session")
def types_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy remembers of the packages that all projects import."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """A folder with the wheels of this checkout, and of all that they and a plugin need."""
    folder = os.environ.get("TEMPLATE_WHEELHOUSE")
    assert folder, "these tests need a folder of wheels: run `python3 noxfile.py template`"
    return Path(folder)
