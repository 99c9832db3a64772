"""Each page's table, made from the lists it says it needs, is that of the whole study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from imednet import ImednetSDK
from imednet.models import StudyConfiguration
from imednet_simulator import Simulator
from imednet_streamlit import data, tabled
from imednet_workflows import metrics
from imednet_workflows.frames import StudyFrames, list_frames, study_frames

ASOF = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole() -> Iterator[StudyFrames]:
    """A study of which some parts are deleted or disabled, so that not all counts."""
    with Simulator(sites=4, subjects=40, seed=1, asof=date(2026, 3, 2)) as server:
        study = server.study
        records, visits = study["records"], study["visits"]
        asked = {
            records.value(row, "visitId")
            for query in range(len(study["queries"]))
            for row in records.find("recordId", study["queries"].value(query, "recordId"))
        }
        for row in [row for row in range(len(visits)) if visits.value(row, "visitId") in asked][:9]:
            visits.change(row, deleted=True)
        for name, field, wanted, change in (
            ("variables", "variableName", "PULSE", {"disabled": True}),
            ("forms", "formKey", "CM", {"disabled": True}),
            ("intervals", "intervalName", "Week 2", {"disabled": True}),
            ("subjects", "siteId", 2, {"deleted": True}),
        ):
            study[name].change(study[name].find(field, wanted)[0], **change)
        with ImednetSDK(server.api_key, server.security_key, server.url) as sdk:
            yield study_frames(sdk, "DEMO")


def test_the_study_is_worth_testing(whole: StudyFrames) -> None:
    state = metrics.query_state(whole, asof=ASOF)
    visits = whole.visits.loc[whole.visits["deleted"], "visit_id"]
    theirs = whole.records.loc[whole.records["visit_id"].isin(visits), "record_id"]
    assert len(theirs) > 3
    assert (state["record_id"].isin(theirs) & ~state["counted"]).any()


@pytest.mark.parametrize("name", tabled.TABLES)
def test_a_table_needs_no_more_lists_than_it_says(whole: StudyFrames, name: str) -> None:
    table = tabled.TABLES[name]
    parts = {part for each in table.lists for part in list_frames(each, [])}
    some = data.study_frames("DEMO", {part: getattr(whole, part) for part in parts})
    made, expected = (_comparable(name, table.make(each, None, ASOF)) for each in (some, whole))
    assert made.keys() == expected.keys()
    for key, frame in expected.items():
        pd.testing.assert_frame_equal(made[key], frame)


def test_a_study_that_sees_more_lists_goes_on_with_them(whole: StudyFrames) -> None:
    people = {name: getattr(whole, name) for name in ("sites", "subjects", "forms", "intervals")}
    parts = {name: getattr(whole, name) for name in ("interval_forms", "visits", "records")}
    study = tabled.Study(data.study_frames("DEMO", people | parts), None, ASOF)
    tabled.TABLES["page_sums"].of(study)
    assert study.counted.record_revisions.empty

    study.see(whole)

    for name, table in tabled.TABLES.items():
        made, alone = (
            _comparable(name, t) for t in (table.of(study), table.make(whole, None, ASOF))
        )
        for key, frame in alone.items():
            pd.testing.assert_frame_equal(made[key], frame)


def test_what_counts_of_a_study_seen_bit_by_bit_is_what_counts_of_all(whole: StudyFrames) -> None:
    people = {"sites": whole.sites, "subjects": whole.subjects}
    names = ("forms", "intervals", "interval_forms", "visits", "records")
    parts = people | {name: getattr(whole, name) for name in names}
    study = tabled.Study(data.study_frames("DEMO", people), None, ASOF)
    for seen in (data.study_frames("DEMO", people), data.study_frames("DEMO", parts), whole):
        study.see(seen)
        expected = metrics.counted(seen, ASOF)
        for name in (field.name for field in fields(StudyFrames) if field.name != "study_key"):
            pd.testing.assert_frame_equal(getattr(study.counted, name), getattr(expected, name))


def _comparable(name: str, made: Any) -> dict[str, pd.DataFrame]:
    if name == "query_frames":  # what the page makes of them
        return {"flux": metrics.query_flux(data.study_frames("DEMO", made), asof=ASOF)}
    if name == "forms":  # names by key
        return {"names": pd.DataFrame({"form": made})}
    return made if isinstance(made, dict) else {"table": made}


def test_a_blinded_variable_is_not_named() -> None:
    variables = pd.DataFrame(
        {
            "form_key": ["DM", "DM", "VS"],
            "variable_name": ["ARM", "SEX", "KIT"],
            "blinded": pd.Series([True, None, True], dtype="boolean"),
        }
    ).astype({"form_key": "string", "variable_name": "string"})
    state = pd.DataFrame(
        {"form_key": ["dm", "DM", "DM", None, None], "variable": ["Arm", "SEX", "KIT", "KIT", None]}
    ).astype("string")
    shown = tabled.unnamed(state, variables)["variable"]
    assert shown.astype(object).where(shown.notna(), None).tolist() == [
        *("blinded", "SEX", "KIT"),
        *("blinded", None),
    ]


@pytest.mark.parametrize("allowed", [False, True])
def test_queries_name_blinded_variables_only_where_that_is_allowed(
    whole: StudyFrames, allowed: bool
) -> None:
    first = whole.queries["variable"].iloc[0]
    variables = whole.variables.assign(
        blinded=(whole.variables["variable_name"] == first).astype("boolean")
    )
    study = replace(whole, variables=variables)
    config = StudyConfiguration(allow_blinded=allowed)
    state = tabled.TABLES["query_state"].make(study, config, ASOF)
    assert (first in set(state["variable"])) is allowed
