"""Entry points of distributions that are really on the path, wherever and however."""

from __future__ import annotations

import importlib
import inspect
import shutil
import signal
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest
from wheels import WHOLE, Wheels

from imednet import cli
from imednet.entry_points import find, load


def install(wheels: Wheels) -> None:
    wheels.install("some-flows", WHOLE, {"imednet.plugins: workflows": "create_workflows"}, "2.5")


def loaded() -> Any:
    (point,) = find("imednet.plugins", "workflows")
    return load(point)


def test_find_by_name(wheels: Wheels) -> None:
    wheels.install(
        "some-things",
        "class Thing: ...",
        {"imednet.plugins: a": "Thing", "imednet.commands: b": "Thing"},
    )
    assert [point.name for point in find("imednet.plugins")] == ["a"]
    assert find("imednet.plugins", "b") == []
    assert [point.value for point in find("imednet.commands", "b")] == ["some_things:Thing"]


def test_a_request_to_end_is_no_failure_of_the_plugin_that_it_meets(
    wheels: Wheels, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import signal\nfrom imednet import cli\ncli._leave(signal.SIGTERM, None)"
    wheels.install("some-slow", code, {"imednet.commands: slow": "run"})
    assert cli._guarded(["slow"]) == 128 + signal.SIGTERM
    assert capsys.readouterr() == ("", "")


# --- where they are looked for


def test_one_in_a_wheel_on_the_path_is_found(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(wheels)
    wheel = shutil.make_archive(str(tmp_path / "some_flows-2.5"), "zip", wheels.folder)
    monkeypatch.setattr(sys, "path", [wheel, *(p for p in sys.path if p != str(wheels.folder))])
    importlib.invalidate_caches()
    assert ".zip" in inspect.getfile(loaded())


def test_one_that_a_finder_of_another_kind_knows_is_found(
    wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(wheels)
    hidden = str(wheels.folder)

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            return PathFinder.find_spec(name, [hidden]) if name == "some_flows" else None

        @staticmethod
        def find_distributions(context: Any) -> Any:
            return metadata.MetadataPathFinder.find_distributions(
                metadata.DistributionFinder.Context(name=context.name, path=[hidden])
            )

    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != hidden])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert loaded()(None).record_mapper == "here"


def test_one_in_an_egg_info_folder_is_found(wheels: Wheels) -> None:
    install(wheels)
    old = wheels.folder / "some_flows-2.5.dist-info"
    (old / "METADATA").rename(old / "PKG-INFO")
    old.rename(wheels.folder / "some_flows.egg-info")
    importlib.invalidate_caches()
    assert loaded()(None).record_mapper == "here"


@pytest.mark.parametrize("trouble", ["no folder", "a file", "odd entry points"])
def test_a_path_that_is_not_in_order_disturbs_nothing(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    install(wheels)
    odd = tmp_path / "odd"
    if trouble == "a file":
        odd.write_text("not a zip file")
    elif trouble == "odd entry points":
        (odd / "odd-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(odd), *sys.path])
    importlib.invalidate_caches()
    assert loaded()(None).record_mapper == "here"


def test_one_that_comes_later_is_found_by_the_next_look(wheels: Wheels) -> None:
    assert find("imednet.plugins", "workflows") == []
    install(wheels)
    assert loaded()(None).record_mapper == "here"
