"""Workflows over an iMednet study: extraction, queries, typed frames, safe writes, metrics.

With this package installed, `sdk.workflows` is the namespace below; on the async SDK
the same methods are awaited. Importing the package and making the namespace loads no
pandas and sends nothing.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet import ImednetSDK
    from imednet_workflows.data_extraction import DataExtraction
    from imednet_workflows.query_management import QueryManagement
    from imednet_workflows.record_mapper import RecordMapper
    from imednet_workflows.record_update import RecordUpdate
    from imednet_workflows.register_subjects import RegisterSubjects
    from imednet_workflows.study_structure import StudyStructures
    from imednet_workflows.subject_data import SubjectDataWorkflow

__version__ = "1.0.0"
__all__ = ["Workflows", "create_workflows"]


def create_workflows(sdk: Any) -> Any:
    """Make the namespace that becomes `sdk.workflows`, for the plain or the async SDK.

    Example:
        >>> create_workflows(sdk).query_management.get_query_state_counts("DEMO")["unknown"] >= 0
        True
    """
    plain = getattr(sdk, "sync", None)
    if plain is None:
        return Workflows(sdk)
    from imednet.aio import awaited

    return awaited(Workflows(plain))


class Workflows:
    """What a data manager does with a study, by topic; each part is made on first use."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def __repr__(self) -> str:
        return f"<workflows of {self._sdk!r}>"

    def _part(self, module: str, name: str) -> Any:
        return getattr(import_module(f"imednet_workflows.{module}"), name)(self._sdk)

    @cached_property
    def data_extraction(self) -> DataExtraction:
        """Records by criteria, the audit trail, the life of queries."""
        part: DataExtraction = self._part("data_extraction", "DataExtraction")
        return part

    @cached_property
    def query_management(self) -> QueryManagement:
        """Queries by state, subject and site."""
        part: QueryManagement = self._part("query_management", "QueryManagement")
        return part

    @cached_property
    def record_mapper(self) -> RecordMapper:
        """Records as typed data frames."""
        part: RecordMapper = self._part("record_mapper", "RecordMapper")
        return part

    @cached_property
    def record_update(self) -> RecordUpdate:
        """Records written after checks, in batches that are followed to their end."""
        part: RecordUpdate = self._part("record_update", "RecordUpdate")
        return part

    @cached_property
    def register_subjects(self) -> RegisterSubjects:
        """Many subjects registered at once."""
        part: RegisterSubjects = self._part("register_subjects", "RegisterSubjects")
        return part

    @cached_property
    def study_structure(self) -> StudyStructures:
        """The schedule of intervals, with their forms and the forms' questions."""
        part: StudyStructures = self._part("study_structure", "StudyStructures")
        return part

    @cached_property
    def subject_data(self) -> SubjectDataWorkflow:
        """Everything about one subject."""
        part: SubjectDataWorkflow = self._part("subject_data", "SubjectDataWorkflow")
        return part
