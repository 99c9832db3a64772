"""The page as the dashboard draws it; these tests need imednet-streamlit."""

from __future__ import annotations

import pytest
from imednet_simulator import Simulator

pytest.importorskip("imednet_streamlit", reason="pages are drawn where the dashboard is installed")

from imednet_streamlit.testing import DashboardPageTests  # noqa: E402
{%- if cookiecutter.workflows %}


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this package's workflows be the ones: the dashboard brings others."""
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "{{ cookiecutter.project_slug }}")
{%- endif %}


class TestPage(DashboardPageTests):
    name = "{{ cookiecutter.package }}"

    def test_every_open_query_is_shown(self, imednet_simulator: Simulator) -> None:
        with self.drawn(imednet_simulator) as at:
            table = at.dataframe[0].value
            assert at.metric[0].value == str(table["open"].sum())
