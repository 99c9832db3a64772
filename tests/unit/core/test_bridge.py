"""dataclasses-json's surface: schemas, and what is imported when."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from isolated import python

from imednet import models
from imednet.models import Model

PUBLIC = [getattr(models, name) for name in models.__all__]
MODELS = [m for m in PUBLIC if isinstance(m, type) and issubclass(m, Model) and m is not Model]


@pytest.mark.parametrize("cls", MODELS)
def test_every_model_has_a_schema_that_dumps_and_loads(cls: Any) -> None:
    row = cls()
    dumped = cls.schema().dump(row)
    assert dumped == {k: v for k, v in row.to_dict().items() if k != "extra"}
    assert cls.schema().load(dumped) == row


SENT = {
    "recordId": 7,
    "dateCreated": "2024-05-01 10:30:00",
    "deleted": True,
    "keywords": [{"keywordKey": "SAE", "dateAdded": "2024-05-02 00:00:00"}],
    "recordData": {"AGE": "52"},
}


def test_a_schema_reads_and_writes_as_the_model_does() -> None:
    record = models.Record.from_dict(SENT)
    schema = models.Record.schema()
    dumped = schema.dump(record)
    assert {k: v for k, v in dumped.items() if v is not None and k != "keywords"} == {
        k: v for k, v in SENT.items() if k != "keywords"
    }
    assert schema.load(dumped) == record


def test_a_schema_takes_many() -> None:
    sites = [models.Site(site_id=1), models.Site(site_id=2)]
    schema = models.Site.schema(many=True)
    assert schema.load(schema.dump(sites)) == sites
    assert models.Site.schema().loads('{"siteId": 3}') == models.Site(site_id=3)


def test_a_schema_of_a_configuration() -> None:
    sent = {"version": 2, "targets": {"Northfield": {"planned": 5, "activated": "2024-05-01"}}}
    config = models.StudyConfiguration.from_dict(sent)
    schema = models.StudyConfiguration.schema()
    assert schema.load(schema.dump(config)) == config


@pytest.mark.parametrize("word", ["to_dict()", "to_json()", "schema()", "from_dict({})"])
def test_dataclasses_json_is_imported_with_the_first_call(word: str) -> None:
    code = (
        "import sys; from imednet.models import Site; from imednet.models.decoding import decoder;"
        "row = decoder(Site)({'siteId': 1}); repr(row), row == row;"
        "assert 'dataclasses_json' not in sys.modules;"
        f"row.{word}; assert 'dataclasses_json' in sys.modules"
    )
    done: subprocess.CompletedProcess[str] = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_from_json_takes_the_options_of_json() -> None:
    site = models.Site.from_json(b'{"siteId": 3, "x": 1.5}', parse_float=str)
    assert (site.site_id, site.extra) == (3, {"x": "1.5"})
