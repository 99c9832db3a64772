"""Everything about one subject."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.errors import NotFoundError

LISTS = {
    "visits": ("visits", "visit_id", "visitId"),
    "records": ("records", "record_id", "recordId"),
    "queries": ("queries", "annotation_id", "annotationId"),
    "record_revisions": ("recordRevisions", "record_revision_id", "recordRevisionId"),
}


def test_every_subject_equals_its_raw_rows(study: Any) -> None:
    for row in study.kept("subjects"):
        key = row["subjectKey"]
        found = study.flows.subject_data.get_all_subject_data(study.key, key)
        assert (found.subject.subject_id, found.subject.subject_key) == (row["subjectId"], key)
        assert found.subject.deleted == row["deleted"]
        for name, (resource, field, api_name) in LISTS.items():
            expected = [r[api_name] for r in study.kept(resource) if r["subjectKey"] == key]
            assert [getattr(each, field) for each in getattr(found, name)] == expected


@pytest.mark.parametrize("key", ["99-999", "", "05-00", "05-001,05-002", "05-001;deleted==true"])
def test_no_such_subject(study: Any, key: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        study.flows.subject_data.get_all_subject_data(study.key, key)
    assert str(caught.value) == f"404: there is no subject {key!r} in the study"


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [((True, False), 2), ((False, True), 1), ((True, True), 2), ((None, None), 2)],
    ids=["first", "second", "both", "not said"],
)
def test_of_a_key_registered_anew_the_standing_subject_counts(
    scripted: Any, deleted: Any, expected: int
) -> None:
    rows = [
        {"subjectId": number, "subjectKey": "01-001", "deleted": gone}
        for number, gone in enumerate(deleted, start=1)
    ]
    visits = [{"visitId": number, "subjectId": number} for number in (1, 2)]
    odd = scripted(subjects=rows, visits=visits)
    found = odd.flows.subject_data.get_all_subject_data(odd.key, "01-001")
    assert found.subject.subject_id == expected
    assert [visit.subject_id for visit in found.visits] == [1, 2]
