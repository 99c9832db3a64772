"""Queries by state, subject and site."""

from __future__ import annotations

from typing import Any

from imednet import ImednetSDK
from imednet.errors import NotFoundError
from imednet.models import Query
from imednet_workflows.lookups import Name, site_ids
from imednet_workflows.query_events import is_open

__all__ = ["QueryManagement"]


class QueryManagement:
    """`sdk.workflows.query_management`.

    Every method takes further conditions, as `sdk.queries.list` does. A query's state
    is that of its comment with the highest sequence; without comments it is unknown.
    """

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def get_open_queries(self, study_key: str, **conditions: Any) -> list[Query]:
        """Return the queries that are open; one of unknown state is not among them.

        Example:
            >>> queries = sdk.workflows.query_management.get_open_queries("DEMO")
            >>> all(not query.query_comments[-1].closed for query in queries)
            True
        """
        return [q for q in self._sdk.queries.iter(study_key, **conditions) if is_open(q)]

    def get_queries_for_subject(
        self, study_key: str, subject_key: str, **conditions: Any
    ) -> list[Query]:
        """Return all queries of one subject, whatever their state.

        Raises NotFoundError for a subject that the study does not have.
        """
        found = self._sdk.queries.list(study_key, subject_key=subject_key, **conditions)
        if not found and not self._sdk.subjects.count(study_key, subject_key=subject_key):
            text = f"there is no subject {subject_key!r} in the study"
            raise NotFoundError(404, description=text)
        return found

    def get_queries_by_site(
        self, study_key: str, site: Name | list[Name], **conditions: Any
    ) -> list[Query]:
        """Return the queries of one or several sites, by name or id, through their subjects.

        A query names no site, so that of its subject counts; queries on no subject
        belong to no site. Raises ValueError for a site that the study does not have.
        """
        sites = set(site_ids(self._sdk, study_key, site))
        subjects = self._sdk.subjects.list(study_key)
        wanted = {subject.subject_id for subject in subjects if subject.site_id in sites}
        queries = self._sdk.queries.iter(study_key, **conditions)
        return [q for q in queries if q.subject_id is not None and q.subject_id in wanted]

    def get_query_state_counts(self, study_key: str, **conditions: Any) -> dict[str, int]:
        """Return how many queries are open, closed, and of unknown state.

        Example:
            >>> sorted(sdk.workflows.query_management.get_query_state_counts("DEMO"))
            ['closed', 'open', 'unknown']
        """
        counts = {"open": 0, "closed": 0, "unknown": 0}
        names = {True: "open", False: "closed", None: "unknown"}
        for query in self._sdk.queries.iter(study_key, **conditions):
            counts[names[is_open(query)]] += 1
        return counts
