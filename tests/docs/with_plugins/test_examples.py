"""Examples of pages that need imednet-workflows or imednet-streamlit run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import GUIDE, ROOT, SUBJECT, blocks, called, lines, needs_plugins, pages, run_python
from pages import run_shell as shell

from imednet_simulator import Simulator

PAGES = [page for page in pages() if needs_plugins(page) and GUIDE not in page.parents]


@pytest.fixture
def folder(tmp_path: Path, server: object, settings: dict[str, str], subject: str) -> Path:
    """A folder with the files that the commands name."""
    from imednet import ImednetSDK

    changes = blocks(ROOT / "docs" / "how-to" / "write-records.md", "csv")[0]
    (tmp_path / "changes.csv").write_text(changes.replace(SUBJECT, subject))
    keys = (settings[f"IMEDNET_{name}"] for name in ("API_KEY", "SECURITY_KEY", "BASE_URL"))
    with ImednetSDK(*keys) as sdk:
        site = sdk.subjects.list("DEMO", subject_key=subject)[0].site_name
    (tmp_path / "subjects.csv").write_text(f"siteName\n{site}\n")
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=called)
def test_python_on_a_page_runs(page: Path, settings: dict[str, str], tmp_path: Path) -> None:
    assert run_python(page, tmp_path, settings)


@pytest.mark.parametrize("page", [p for p in PAGES if lines(p)], ids=called)
def test_commands_on_a_page_run(
    page: Path, settings: dict[str, str], subject: str, folder: Path
) -> None:
    shell(page, folder, settings, subject)


def test_there_are_examples_to_run() -> None:
    assert len([page for page in PAGES if blocks(page, "python")]) >= 7
    assert sum(len(lines(page)) for page in PAGES) > 15


def test_the_tutorial_shows_the_sites_with_the_highest_scores(tmp_path: Path) -> None:
    with Simulator() as simulator:
        keys = {"API_KEY": simulator.api_key, "SECURITY_KEY": simulator.security_key}
        settings = {f"IMEDNET_{name}": value for name, value in keys.items()}
        settings["IMEDNET_BASE_URL"] = simulator.url
        said = run_python(ROOT / "docs" / "tutorial.md", tmp_path, settings)
    heading, *rows = said.splitlines()[-6:]
    assert heading.split() == ["rank", "site_name", "risk_score", "flagged"]
    top = [row.split()[1:3] for row in rows[:2]]  # fast and careless; without adverse events
    assert [rank for rank, _ in top] == ["1", "2"]
    assert {site for _, site in top} == {"Corvane", "Glanworth"}
