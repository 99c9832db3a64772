"""What `sdk.workflows` is with this package: five parts, each a topic of a data manager's."""

from __future__ import annotations

from collections import Counter
from typing import Any

from imednet import ImednetSDK
from imednet.errors import NotFoundError
from imednet.models import Job, Query, Record

from {{ cookiecutter.package }} import queries_by_site, state


def create_workflows(sdk: Any) -> Any:
    """Make the namespace for an SDK; with an async one its methods are awaited. Sends nothing."""
    plain = getattr(sdk, "sync", None)
    if plain is None:
        return Workflows(sdk)
    from imednet.aio import awaited

    return awaited(Workflows(plain))


class Workflows:
    """What `sdk.workflows` is."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self.data_extraction = DataExtraction(sdk)
        self.query_management = QueryManagement(sdk)
        self.record_mapper = RecordMapper(sdk)
        self.record_update = RecordUpdate(sdk)
        self.subject_data = SubjectData(sdk)


class Part:
    """A part of the namespace."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk


class DataExtraction(Part):
    """`sdk.workflows.data_extraction`: records by criteria."""

    def extract_records_by_criteria(
        self,
        study_key: str,
        record_filter: dict[str, Any] | None = None,
        subject_filter: dict[str, Any] | None = None,
    ) -> list[Record]:
        """Return the records that match, of subjects that match; None lets all match."""
        records = self._sdk.records.list(study_key, **record_filter or {})
        if subject_filter is None:
            return records
        wanted = {s.subject_id for s in self._sdk.subjects.iter(study_key, **subject_filter)}
        return [record for record in records if record.subject_id in wanted]


class QueryManagement(Part):
    """`sdk.workflows.query_management`: queries by state and site."""

    def get_open_queries(self, study_key: str) -> list[Query]:
        """Return the queries that are open; one of unknown state is not among them."""
        return [query for query in self._sdk.queries.iter(study_key) if state(query) == "open"]

    def get_query_state_counts(self, study_key: str) -> dict[str, int]:
        """Return how many queries are open, closed, and of unknown state."""
        counts = Counter(map(state, self._sdk.queries.iter(study_key)))
        return {each: counts[each] for each in ("open", "closed", "unknown")}

    def by_site(self, study_key: str) -> list[dict[str, Any]]:
        """Count the queries of each site, as `queries_by_site` does."""
        return queries_by_site(self._sdk, study_key)


class RecordMapper(Part):
    """`sdk.workflows.record_mapper`: records as rows of answers."""

    def rows(self, study_key: str, form_key: str) -> list[dict[str, Any]]:
        """Return the records of a form, a dict each: record, subject, then answers by variable.

        Answers are as the server has them; those to blinded variables are left out.
        """
        variables = self._sdk.variables.list(study_key, form_key=form_key)
        shown = {
            v.variable_name.lower(): v.variable_name
            for v in variables
            if v.variable_name and not (v.blinded or v.disabled or v.deleted)
        }
        rows = []
        for record in self._sdk.records.iter(study_key, form_key=form_key):
            answers = {name.lower(): value for name, value in (record.record_data or {}).items()}
            row = {"record_id": record.record_id, "subject_key": record.subject_key}
            rows.append(row | {shown[name]: answers.get(name) for name in shown})
        return rows


class RecordUpdate(Part):
    """`sdk.workflows.record_update`: records written."""

    def create_or_update_records(
        self,
        study_key: str,
        records: list[dict[str, Any]],
        wait_for_completion: bool = False,
    ) -> Job:
        """Send records, as `sdk.records.create` takes them, and return their job.

        With `wait_for_completion` the job has ended; raises JobFailedError if it failed.
        """
        job = self._sdk.records.create(study_key, records)
        if wait_for_completion and job.batch_id:
            return self._sdk.jobs.wait(study_key, job.batch_id)
        return job


class SubjectData(Part):
    """`sdk.workflows.subject_data`: all about one subject."""

    def get_all_subject_data(self, study_key: str, subject_key: str) -> dict[str, list[Any]]:
        """Return a subject's rows by resource; raises NotFoundError if the study has none such."""
        sdk = self._sdk
        found: dict[str, list[Any]] = {
            "subjects": sdk.subjects.list(study_key, subject_key=subject_key)
        }
        if not found["subjects"]:
            raise NotFoundError(404, description=f"there is no subject {subject_key!r}")
        found["visits"] = sdk.visits.list(study_key, subject_key=subject_key)
        found["records"] = sdk.records.list(study_key, subject_key=subject_key)
        found["queries"] = sdk.queries.list(study_key, subject_key=subject_key)
        return found
