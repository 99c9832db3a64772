"""The conformance kit: what makes a plugin a good one, as tests to inherit.

A plugin's test file is a subclass, and an attribute or two:

```python
from imednet_simulator.testing import CommandPluginTests, NamedPluginTests


class TestReports(NamedPluginTests):
    name = "reports"  # sdk.plugins.reports
    calls = {"open_sites": ("DEMO",)}


class TestReport(CommandPluginTests):
    name = "report"  # imednet report
    calls = ["DEMO --limit 5"]
```

The tests look for the plugin where users find it: among the entry points of the
installed distributions. A failure says what to change. Pages of the dashboard have
their own: `imednet_streamlit.testing.DashboardPageTests`.
"""

from __future__ import annotations

try:
    import pytest  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        "imednet_simulator.testing needs pytest. Install it with:\n"
        "  pip install 'imednet-simulator[testing]'"
    ) from error

from imednet_simulator.testing.commands import CommandPluginTests
from imednet_simulator.testing.plugins import NamedPluginTests, WorkflowsPluginTests
from imednet_simulator.testing.registered import RegisteredTests

__all__ = ["CommandPluginTests", "NamedPluginTests", "RegisteredTests", "WorkflowsPluginTests"]
