"""The plugin of this repository passes the tests that it asks of others."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from imednet_simulator.testing import CommandPluginTests, WorkflowsPluginTests


class TestWorkflows(WorkflowsPluginTests):
    distribution = "imednet-workflows"
    calls: ClassVar = {
        "query_management.get_query_state_counts": ("DEMO",),
        "data_extraction.extract_records_by_criteria": {"study_key": "DEMO"},
        "record_mapper.dataframe": ("DEMO",),
    }


class TestCommands(CommandPluginTests):
    name = "workflows"
    calls = ("queries open DEMO", "metrics enrolment-funnel DEMO")

    @pytest.fixture(autouse=True)
    def own_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path))
