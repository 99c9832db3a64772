"""Everything about one subject."""

from __future__ import annotations

from dataclasses import dataclass

from imednet import ImednetSDK
from imednet.errors import NotFoundError
from imednet.models import Query, Record, RecordRevision, Subject, Visit
from imednet_workflows.lookups import side_by_side

__all__ = ["SubjectData", "SubjectDataWorkflow"]


@dataclass(frozen=True, slots=True)
class SubjectData:
    """A subject with all that the study holds of it, each list in the order of its keys."""

    subject: Subject
    visits: list[Visit]
    records: list[Record]
    queries: list[Query]
    record_revisions: list[RecordRevision]


class SubjectDataWorkflow:
    """`sdk.workflows.subject_data`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def get_all_subject_data(self, study_key: str, subject_key: str) -> SubjectData:
        """Return a subject, its visits, records, queries and revisions, read side by side.

        Raises NotFoundError where the study has no such subject. Of a subject that was
        deleted and registered anew under the same key, all rows are returned.

        Example:
            >>> data = sdk.workflows.subject_data.get_all_subject_data("DEMO", subject_key)
            >>> {visit.subject_key for visit in data.visits} == {subject_key}
            True
        """
        sdk = self._sdk
        subjects, visits, records, queries, revisions = side_by_side(
            lambda: sdk.subjects.list(study_key, subject_key=subject_key),
            lambda: sdk.visits.list(study_key, subject_key=subject_key),
            lambda: sdk.records.list(study_key, subject_key=subject_key),
            lambda: sdk.queries.list(study_key, subject_key=subject_key),
            lambda: sdk.record_revisions.list(study_key, subject_key=subject_key),
        )
        if not subjects:
            raise NotFoundError(
                404, description=f"there is no subject {subject_key!r} in the study"
            )
        standing = [subject for subject in subjects if not subject.deleted] or subjects
        return SubjectData(standing[-1], visits, records, queries, revisions)
