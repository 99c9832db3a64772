"""The models hold every field of the API: held against the simulator's own list."""

from __future__ import annotations

from typing import Any

import pytest

from imednet import models
from imednet.listing import RESOURCES
from imednet.models.decoding import columns
from imednet_simulator import schema

NESTED = {
    "IntervalForm": "formId formKey formName",
    "Keyword": "keywordName keywordKey keywordId dateAdded",
    "Role": "dateCreated dateModified roleId communityId name description level type inactive",
    "QueryComment": "sequence annotationStatus user comment closed date",
    "Job": "jobId batchId state dateCreated dateStarted dateFinished",
}
MODELS = {spec.path: getattr(models, spec.model) for spec in RESOURCES.values()}


def test_there_is_a_model_a_resource() -> None:
    assert set(MODELS) == set(schema.RESOURCES)
    assert len(set(MODELS.values())) == len(MODELS) == 12


@pytest.mark.parametrize("path", MODELS)
def test_every_field_is_there_with_its_kind(path: str) -> None:
    found = {column.api_name: column.kind for column in columns(MODELS[path])}
    assert found == schema.RESOURCES[path].fields


@pytest.mark.parametrize("name", RESOURCES)
def test_the_row_key_is_the_apis(name: str) -> None:
    spec = RESOURCES[name]
    names = {column.name: column.api_name for column in columns(MODELS[spec.path])}
    assert names[spec.key] == schema.RESOURCES[spec.path].key
    assert spec.filterable is schema.RESOURCES[spec.path].filterable


@pytest.mark.parametrize("name", NESTED)
def test_every_field_of_the_inner_objects_is_there(name: str) -> None:
    found = [column.api_name for column in columns(getattr(models, name))]
    assert sorted(found) == sorted(NESTED[name].split())


@pytest.mark.parametrize("name", RESOURCES)
def test_nothing_that_the_simulator_sends_is_unknown(imednet_sdk: Any, name: str) -> None:
    arguments = () if name == "studies" else ("DEMO",)
    rows = getattr(imednet_sdk, name).list(*arguments, limit=500)
    assert rows
    assert {key for row in rows for key in row.extra} == set()
    inner = [each for row in rows for each in _inner(row)]
    assert {key for each in inner for key in each.extra} == set()


def _inner(row: models.Model) -> list[models.Model]:
    values = (getattr(row, name) for name in row.names())
    return [each for value in values if isinstance(value, list) for each in value]


@pytest.mark.parametrize("name", ["records", "intervals", "users", "queries"])
def test_the_study_of_these_tests_does_have_inner_objects(imednet_sdk: Any, name: str) -> None:
    assert any(_inner(row) for row in getattr(imednet_sdk, name).list("DEMO", limit=500))
