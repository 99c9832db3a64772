"""The built pages against the code: whatever has a name has an entry.

`python3 noxfile.py docs` builds the pages and runs this.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bs4 import BeautifulSoup
from pages import ROOT

import imednet
import imednet_simulator
import imednet_streamlit
import imednet_workflows
from imednet import ImednetSDK, cli, entry_points
from imednet.errors import ImednetError
from imednet.listing import RESOURCES
from imednet.models import (
    KriConfig,
    MappingRule,
    SiteTarget,
    StudyConfiguration,
    WidgetConfig,
    columns,
)
from imednet_streamlit import app

BUILT = ROOT / ".dev" / "docs"
PACKAGES = (imednet, imednet_workflows, imednet_simulator, imednet_streamlit)
#: Modules that are a package's inside: what they define is nobody's to rely on. A module that
#: is neither here nor in the reference fails, so that somebody decides.
INSIDE = {
    "imednet": "bodies bounds checks cli commands config filters http listing paging sdk words "
    "models.bridge models.decoding models.edc models.study_config models.values",
    "imednet_workflows": "canonical.build canonical.logic canonical.plan canonical.problems "
    "canonical.suggest canonical.tables canonical.validation canonical.values casting commands "
    "lookups metric_commands metrics.counted metrics.enrolment metrics.example metrics.forecast "
    "metrics.indicators metrics.kri_counts metrics.kris metrics.lag metrics.pages "
    "metrics.queries metrics.resolution metrics.scores metrics.special metrics.terms "
    "metrics.tools metrics.visits terminal triage_items",
    "imednet_simulator": "probe story testing.calling testing.commands testing.fresh "
    "testing.plugins testing.registered",
}
#: The dashboard is a program: of its modules only these are for others.
DASHBOARD = {"imednet_streamlit", "imednet_streamlit.testing"}
#: Public by name, for the packages that put them together, and nobody else's business.
UNLISTED = {
    "imednet.resources.Waiting",
    "imednet_workflows.metrics.counted",
}


@cache
def soup(page: str) -> BeautifulSoup:
    path = BUILT / f"{page}.html"
    assert path.exists(), "build the pages first: python3 noxfile.py docs"
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@cache
def headings(page: str) -> frozenset[str]:
    found = soup(page).find_all(re.compile("^h[1-6]$"))
    return frozenset(heading.get_text().removesuffix("¶").strip() for heading in found)


@cache
def entries() -> frozenset[str]:
    """Everything that the reference describes, by its whole name."""
    pages = (BUILT / "reference").glob("*.html")
    return frozenset(
        str(entry["id"])
        for page in pages
        for entry in soup(f"reference/{page.stem}").find_all(["dt", "span"], id=True)
    )


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "views" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def is_inside(module: ModuleType) -> bool:
    package, _, rest = module.__name__.partition(".")
    if package == "imednet_streamlit":
        return module.__name__ not in DASHBOARD
    return rest in INSIDE[package].split()


PUBLIC = [
    (module, name)
    for module in modules()
    if not is_inside(module)
    for name in getattr(module, "__all__", [])
    if f"{module.__name__}.{name}" not in UNLISTED
]


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=lambda v: getattr(v, "__name__", v))
def test_a_public_name_has_an_entry(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)
    home = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
    assert {f"{module.__name__}.{name}", home} & entries() or has_value(module, name)
    if inspect.isclass(thing):
        lacking = [part for part in methods(thing) if not {*named(thing, module, part)} & entries()]
        assert lacking == [], f"give them docstrings: {lacking}"


def has_value(module: ModuleType, name: str) -> bool:
    """Tell whether a constant has an entry where it is defined, below the module it is given in."""
    package = module.__name__.partition(".")[0]
    value = getattr(module, name)
    if inspect.isclass(value) or inspect.isroutine(value):
        return False
    return any(
        getattr(home, name, None) is value and f"{home.__name__}.{name}" in entries()
        for home in modules()
        if home.__name__.startswith(package)
    )


def methods(kind: type) -> list[str]:
    """The methods that a class adds, with the properties; a test's name says it all."""
    added = (staticmethod, classmethod, property)
    return [
        name
        for name, part in vars(kind).items()
        if not name.startswith(("_", "test_"))
        and (inspect.isfunction(part) or isinstance(part, added))
    ]


def named(kind: type, module: ModuleType, part: str) -> Iterator[str]:
    yield f"{module.__name__}.{kind.__qualname__}.{part}"
    yield f"{kind.__module__}.{kind.__qualname__}.{part}"


def test_no_sentence_with_a_colon_is_taken_for_a_type() -> None:
    """Of an attribute or property, what stands before a colon becomes its type."""
    pages = [f"reference/{page.stem}" for page in (BUILT / "reference").glob("*.html")]
    marks = [mark for page in pages for mark in soup(page).find_all("dt")]
    assert [mark.find_next("dd").get_text() for mark in marks if mark.get_text() == "Type:"] == []


def test_what_is_said_to_be_inside_is_there() -> None:
    names = {module.__name__ for module in modules()}
    said = {f"{package}.{name}" for package, rest in INSIDE.items() for name in rest.split()}
    assert said <= names
    assert len(PUBLIC) > 150


ERRORS = {
    thing
    for module, name in PUBLIC
    if inspect.isclass(thing := getattr(module, name)) and issubclass(thing, Exception)
}


@pytest.mark.parametrize("name", sorted(error.__name__ for error in ERRORS))
def test_an_error_has_a_heading_with_cause_and_cure(name: str) -> None:
    heading = soup("reference/errors").find(id=name.lower())
    assert heading is not None
    text = heading.get_text()
    assert "Cause:" in text
    assert "Cure:" in text


def test_errors_are_found() -> None:
    names = {error.__name__ for error in ERRORS}
    assert {"NotFoundError", "RecordsRefused", "LogicError", "StaleVersionError"} <= names
    assert set(ImednetError.__subclasses__()) <= ERRORS


SOURCES = [path for p in PACKAGES for path in Path(str(p.__file__)).parent.rglob("*.py")]
VARIABLES = {
    name for path in SOURCES for name in re.findall(r"\bIMEDNET_[A-Z_]+\b", path.read_text("utf-8"))
}
ARGUMENTS = list(inspect.signature(ImednetSDK).parameters)


@pytest.mark.parametrize("name", [*ARGUMENTS, *sorted(VARIABLES)])
def test_a_setting_has_an_entry(name: str) -> None:
    cells = soup("reference/settings").select("td code")
    assert name in {cell.get_text() for cell in cells}


def test_settings_are_found() -> None:
    assert {"IMEDNET_API_KEY", "IMEDNET_DATA_DIR", "IMEDNET_DASHBOARD_DEMO"} <= VARIABLES
    assert "prefetch" in ARGUMENTS


CONFIGURED = (StudyConfiguration, MappingRule, SiteTarget, KriConfig, WidgetConfig)
KEYS = sorted({column.api_name for model in CONFIGURED for column in columns(model)})


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_the_study_configuration_has_an_entry(key: str) -> None:
    assert key in {
        cell.get_text() for cell in soup("plugins/study-configuration").select("td code")
    }


@pytest.mark.parametrize("group", entry_points.GROUPS)
def test_an_entry_point_group_has_a_heading(group: str) -> None:
    assert group in headings("plugins/index")


def test_every_page_of_the_dashboard_has_a_heading() -> None:
    assert {title for _, _, title, _ in app.PAGES} <= headings("dashboard")


DRAWN = [path for path in SOURCES if "imednet_streamlit" in path.parts]
NAMES = re.compile(r'(?:choose|option|number)\([^,()]+, "(\w+)"|query_params(?:\.\w+\(|\[)"(\w+)"')
IN_THE_ADDRESS = {
    name for path in DRAWN for found in NAMES.findall(path.read_text("utf-8")) for name in found
} - {""}


def test_every_name_in_the_dashboards_address_has_an_entry() -> None:
    assert {"site", "turn", "more", "record", "version"} <= IN_THE_ADDRESS
    assert {cell.get_text() for cell in soup("dashboard").select("td code")} >= IN_THE_ADDRESS


# --- The command line, as its own help tells it -------------------------------------------------


def helped(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        cli.main([*words, "--help"])
    return capsys.readouterr().out


def within(text: str) -> list[str]:
    """The groups and commands that a menu's help lists."""
    parts = re.findall(r"^(?:GROUPS|COMMANDS)\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
    return [name for part in parts for name in re.findall(r"^     (\S+)$", part, re.M)]


def commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """Every command below these words, and its help."""
    text = helped(words, capsys)
    yield " ".join(["imednet", *words]), text
    for name in within(text):
        yield from commands([*words, name], capsys)


TOP = [
    *(name.replace("_", "-") for name in RESOURCES),
    *("jobs", "plugins"),
    *sorted({point.name for point in entry_points.find(entry_points.COMMANDS)}),
]


@pytest.mark.parametrize("name", TOP)
def test_a_command_has_a_heading_and_its_flags(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "reference/command-line"
    for command, text in commands([name], capsys):
        section = soup(page).find(id=command.replace(" ", "-"))
        assert command in headings(page)
        assert section is not None
        flags = set(re.findall(r"^    --([a-z-]+)=", text, re.M))
        shown = {code.get_text() for code in section.find_all("code")}
        assert {f"--{flag}" for flag in flags} <= shown, command


def test_menus_are_read_from_help(capsys: pytest.CaptureFixture[str]) -> None:
    found = [command for command, _ in commands(["workflows"], capsys)]
    assert {"imednet workflows update", "imednet workflows queries open"} <= set(found)
    assert len(found) > 25


@pytest.mark.parametrize(
    ("command", "page"), [("simulate", "simulator"), ("dashboard", "dashboard")]
)
def test_a_guide_names_every_option_of_its_command(
    command: str, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags: Any = re.findall(r"^    --([a-z-]+)=", helped([command], capsys), re.M)
    shown = {code.get_text() for code in soup(page).find_all("code")}
    assert flags
    assert {f"--{flag}" for flag in flags} <= shown
