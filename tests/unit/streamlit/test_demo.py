"""What the demo shows beside its study."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet_simulator import Simulator
from imednet_streamlit import answers
from imednet_streamlit.data import Connection
from imednet_streamlit.demo import data_folder, with_folder
from imednet_workflows.config_store import ConfigStore


@pytest.fixture
def folder() -> Any:
    with data_folder() as folder:
        yield folder


def test_the_folder_is_private_and_goes(tmp_path: Path) -> None:
    with data_folder() as folder:
        assert ConfigStore(folder / "configurations.sqlite3").published("DEMO") is not None
        if os.name == "posix":
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_configurations_of_real_studies_are_not_touched(folder: Path) -> None:
    assert not ConfigStore().path.exists()
    there = with_folder({"IMEDNET_DATA_DIR": "/srv/real", "HOME": "/home/x"}, folder)
    assert there == {"IMEDNET_DATA_DIR": str(folder), "HOME": "/home/x"}


def test_the_configuration_fits_the_demo_study(folder: Path, in_session: Any) -> None:
    config = ConfigStore(folder / "configurations.sqlite3").published("DEMO")
    assert config is not None
    with Simulator() as sim, ImednetSDK(sim.api_key, sim.security_key, sim.url) as sdk:
        sites = {site.site_name for site in sdk.sites.list("DEMO")}
        here = Connection(sdk, "DEMO", "demo")
        made, _ = in_session(lambda: answers.canonical(here, config, lambda *told: None))
    assert made.problems.empty
    assert made.readiness > 90
    assert set(config.targets) == sites
    assert len(made.tables["adverse_events"]) > 100
