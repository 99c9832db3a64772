"""Versions of a configuration: kept, compared, brought back, published; by one or by many."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.models import MappingRule, SiteTarget, StudyConfiguration, WidgetConfig
from imednet_workflows.config_store import (
    Change,
    ConfigStore,
    StaleVersionError,
    StoreError,
    differences,
)


@pytest.fixture
def store(tmp_path: Path) -> ConfigStore:
    return ConfigStore(tmp_path / "c.sqlite3")


def config(**fields: Any) -> StudyConfiguration:
    return StudyConfiguration(study_key="S", **fields)


def test_the_file_stands_in_the_data_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path / "d"))
    store = ConfigStore()
    assert store.path == tmp_path / "d" / "configurations.sqlite3"
    assert repr(store) == f"ConfigStore('{store.path}')"
    assert not store.path.exists()
    assert store.studies() == []
    assert store.path.exists()


def test_a_version_is_kept_as_it_was(store: ConfigStore) -> None:
    whole = config(
        reporting_profile="drug",
        mappings=[MappingRule("AE", "term", "AE", "AETERM", is_baseline=True)],
        targets={"Northfield": SiteTarget(20, date(2026, 1, 5))},
        widgets=[WidgetConfig(widget_id="w", layout_cols=2)],
    )
    before = datetime.now(UTC)
    made = store.commit(whole, who=" R. Lind ", note="first")
    assert (made.version, made.who, made.note, made.content_of) == (1, "R. Lind", "first", None)
    assert before <= made.when <= datetime.now(UTC)
    assert made.when.tzinfo is UTC
    kept = store.get("S")
    assert kept.version == 1
    kept.version = None
    assert kept == whole
    assert whole.version is None


def test_history_is_newest_first_and_by_study(store: ConfigStore) -> None:
    for number in range(3):
        store.commit(config(phi_fields=[str(number)]), who="A")
    store.commit(StudyConfiguration(study_key="T"), who="B")
    assert [version.version for version in store.history("S")] == [3, 2, 1]
    assert [version.who for version in store.history("T")] == ["B"]
    assert store.history("U") == []
    assert store.studies() == ["S", "T"]


def test_an_earlier_content_comes_again(store: ConfigStore) -> None:
    store.commit(config(phi_fields=["A"]), who="A")
    store.commit(config(phi_fields=["B"]), who="A")
    back = store.roll_back("S", 1, who="C", note="B was wrong", expected_version=2)
    assert (back.version, back.content_of, back.who, back.note) == (3, 1, "C", "B was wrong")
    assert store.get("S").phi_fields == ["A"]
    assert store.get("S", 2).phi_fields == ["B"]
    assert store.diff("S", 1, 3) == []


def test_one_version_is_published(store: ConfigStore) -> None:
    for _ in range(2):
        store.commit(config(), who="A")
    assert store.published("S") is None
    store.publish("S", 1, who="B")
    store.publish("S", 2, who="C", note="final")
    published = store.published("S")
    assert published is not None
    assert published.version == 2
    assert [version.published for version in store.history("S")] == [True, False]
    store.unpublish("S", who="D")
    assert store.published("S") is None
    decisions = [(each.version, each.who, each.note) for each in store.publications("S")]
    assert decisions == [(None, "D", ""), (2, "C", "final"), (1, "B", "")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.get("T"), "T has no version yet: commit one first"),
        (lambda s: s.get("S", 9), "S has no version 9: give one of 1 to 1"),
        (lambda s: s.get("S", 0), "S has no version 0: give one of 1 to 1"),
        (lambda s: s.diff("S", 1, 2), "S has no version 2: give one of 1 to 1"),
        (lambda s: s.roll_back("S", 2, who="A"), "S has no version 2: give one of 1 to 1"),
        (lambda s: s.publish("S", 2, who="A"), "S has no version 2: give one of 1 to 1"),
        (lambda s: s.unpublish("S", who="A"), "S has no published version: nothing to take back"),
    ],
    ids=["no study", "no version", "zero", "diff", "roll back", "publish", "unpublish"],
)
def test_what_is_not_there_is_said(
    store: ConfigStore, call: Callable[[ConfigStore], Any], message: str
) -> None:
    store.commit(config(), who="A")
    with pytest.raises(StoreError) as caught:
        call(store)
    assert str(caught.value) == message
    assert len(store.history("S")) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.commit(config(), who=""),
        lambda s: s.roll_back("S", 1, who=""),
        lambda s: s.publish("S", 1, who=" "),
        lambda s: s.unpublish("S", who=""),
    ],
    ids=["commit", "roll back", "publish", "unpublish"],
)
def test_nobody_decides_nothing(store: ConfigStore, call: Callable[[ConfigStore], Any]) -> None:
    with pytest.raises(ValueError, match="is no name: say who decides this"):
        call(store)


def test_a_configuration_without_study_is_refused(store: ConfigStore) -> None:
    with pytest.raises(ValueError, match="study_key") as caught:
        store.commit(StudyConfiguration(), who="A")
    assert str(caught.value) == ("study_key: the configuration names no study: set its study_key")


@pytest.mark.parametrize("expected", [0, 2], ids=["behind", "ahead"])
def test_a_stale_start_is_refused(store: ConfigStore, expected: int) -> None:
    store.commit(config(), who="A", expected_version=0)
    with pytest.raises(StaleVersionError) as caught:
        store.commit(config(), who="B", expected_version=expected)
    assert str(caught.value) == (
        f"S is at version 1, not {expected}: read the newest version, then make your changes in it"
    )


@pytest.mark.parametrize("table", ["versions", "publications"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET who = 'X'", "DELETE FROM {}"], ids=["set", "del"])
def test_nothing_is_overwritten(store: ConfigStore, table: str, verb: str) -> None:
    store.commit(config(), who="A")
    store.publish("S", 1, who="A")
    connection = sqlite3.connect(store.path)
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} may only grow"):
        connection.execute(verb.format(table))
    connection.close()


WRITER = """
from imednet.models import StudyConfiguration
from imednet_workflows.config_store import ConfigStore, StaleVersionError
number, path = int(sys.argv[1]), sys.argv[2]
store = ConfigStore(path)
go()
for turn in range(10):
    while True:
        try:
            newest = store.get("S") if store.history("S") else StudyConfiguration(study_key="S")
            newest.phi_fields.append(f"{number}-{turn}")
            store.commit(newest, who=f"W{number}", expected_version=newest.version or 0)
            break
        except StaleVersionError:
            continue
"""


def test_writers_at_once_lose_nothing(store: ConfigStore, together: Any) -> None:
    together(WRITER, 4, store.path)
    history = store.history("S")
    assert [version.version for version in history] == list(range(40, 0, -1))
    everything = {f"{number}-{turn}" for number in range(4) for turn in range(10)}
    assert set(store.get("S").phi_fields) == everything
    assert len(store.get("S").phi_fields) == 40


def test_a_writer_that_is_killed_leaves_whole_versions(store: ConfigStore) -> None:
    script = """
import sys
from imednet.models import StudyConfiguration
from imednet_workflows.config_store import ConfigStore
store = ConfigStore(sys.argv[1])
while True:
    made = store.commit(StudyConfiguration(study_key="S", phi_fields=["x" * 50_000]), who="W")
    print(made.version, flush=True)
"""
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", script, str(store.path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(5)]
        writer.kill()
    history = [version.version for version in store.history("S")]
    assert history == list(range(len(history), 0, -1))
    assert set(told) <= set(history)
    assert store.get("S").phi_fields == ["x" * 50_000]


def test_writers_that_expect_nothing_all_get_a_version(store: ConfigStore, together: Any) -> None:
    script = WRITER.replace("expected_version=newest.version or 0", "note='blind'")
    together(script, 3, store.path)
    assert len(store.history("S")) == 30


def changes(old: StudyConfiguration, new: StudyConfiguration) -> list[tuple[str, Any, Any]]:
    return [(change.path, change.old, change.new) for change in differences(old, new)]


AE, DV = MappingRule("AE", "term", "AE", "AETERM"), MappingRule("DV", "term", "DV", "DVTERM")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        ({"version": 1}, {"version": 2}, []),
        (
            {"reporting_profile": "drug"},
            {"reporting_profile": "device"},
            [("reportingProfile", "drug", "device")],
        ),
        (
            {"mappings": [AE, DV]},
            {"mappings": [AE, MappingRule("DV", "term", "DV", "DVTXT")]},
            [("mappings[DV.term].sourceVariableName", "DVTERM", "DVTXT")],
        ),
        ({"mappings": [AE, DV]}, {"mappings": [AE]}, [("mappings[DV.term]", DV.to_dict(), None)]),
        (
            {"mappings": [AE, DV]},
            {"mappings": [DV, AE]},
            [("mappings (order)", ["AE.term", "DV.term"], ["DV.term", "AE.term"])],
        ),
        (
            {"mappings": [AE]},
            {"mappings": [AE, AE]},
            [("mappings[AE.term #2]", None, AE.to_dict())],
        ),
        (
            {"targets": {"N": SiteTarget(1)}},
            {"targets": {"N": SiteTarget(1, date(2026, 1, 5))}},
            [("targets.N.activated", None, "2026-01-05")],
        ),
        (
            {"widgets": [WidgetConfig(widget_id="w", title="a")]},
            {"widgets": [WidgetConfig(widget_id="w", title="b")]},
            [("widgets[w].title", "a", "b")],
        ),
    ],
    ids=[
        "nothing",
        "the number",
        "a word",
        "in a mapping",
        "mapping gone",
        "order",
        "twice",
        "target",
        "widget",
    ],
)
def test_differences_are_told_by_path(
    old: dict[str, Any], new: dict[str, Any], expected: list[Any]
) -> None:
    assert changes(StudyConfiguration(**old), StudyConfiguration(**new)) == expected


def test_a_field_named_like_a_numbered_one_hides_no_other() -> None:
    old, new = (
        StudyConfiguration(mappings=[MappingRule("AE", "a #2", form), MappingRule("AE", "a", "F")])
        for form in ("F", "G")
    )
    assert changes(old, new) == [("mappings[AE.a #2].sourceFormKey", "F", "G")]


def test_stored_versions_are_compared_alike(store: ConfigStore) -> None:
    store.commit(config(), who="A")
    store.commit(config(statuses={"enrolled": ["In"]}), who="A")
    assert store.diff("S", 1, 2) == [Change("statuses.enrolled", None, ["In"])]
    assert store.diff("S", 2, 1) == [Change("statuses.enrolled", ["In"], None)]


words = st.text(min_size=1, max_size=8)
rules = st.builds(MappingRule, st.sampled_from(["AE", "DV"]), st.sampled_from(["a", "b"]), words)
configurations = st.builds(
    StudyConfiguration,
    study_key=st.just("S"),
    mappings=st.lists(rules, max_size=4),
    phi_fields=st.lists(words, max_size=3),
    terminology_lookups=st.dictionaries(words, st.dictionaries(words, words, max_size=3)),
)


@given(old=configurations, new=configurations)
def test_no_difference_means_the_same(old: StudyConfiguration, new: StudyConfiguration) -> None:
    assert (differences(old, new) == []) == (old == new)
    there, back = changes(old, new), changes(new, old)
    assert sorted(json.dumps([p, b, a]) for p, a, b in there) == sorted(map(json.dumps, back))


@given(versions=st.lists(configurations, min_size=1, max_size=4))
def test_every_version_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, versions: list[StudyConfiguration]
) -> None:
    store = ConfigStore(tmp_path_factory.mktemp("store") / "c.sqlite3")
    for version in versions:
        store.commit(version, who="A")
    for number, version in enumerate(versions, 1):
        kept = store.get("S", number)
        assert kept.version == number
        kept.version = version.version
        assert kept == version
