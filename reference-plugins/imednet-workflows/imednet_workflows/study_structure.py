"""The schedule of a study: intervals, the forms in each, and the forms' questions."""

from __future__ import annotations

from dataclasses import dataclass

from imednet import ImednetSDK
from imednet.models import Form, Interval, Variable
from imednet_workflows.lookups import side_by_side

__all__ = ["FormNode", "IntervalNode", "StudyStructure", "StudyStructures"]


@dataclass(frozen=True, slots=True)
class FormNode:
    """A form and its questions, in the form's order; disabled and deleted ones are marked so."""

    form: Form
    variables: list[Variable]


@dataclass(frozen=True, slots=True)
class IntervalNode:
    """An interval and the forms that it schedules; none for an interval without forms."""

    interval: Interval
    forms: list[FormNode]


@dataclass(frozen=True, slots=True)
class StudyStructure:
    """Intervals by their sequence, and the forms that no interval schedules."""

    study_key: str
    intervals: list[IntervalNode]
    unscheduled: list[FormNode]


class StudyStructures:
    """`sdk.workflows.study_structure`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def get(self, study_key: str) -> StudyStructure:
        """Return the structure of a study; a form in several intervals stands in each.

        Example:
            >>> structure = sdk.workflows.study_structure.get("DEMO")
            >>> structure.intervals[0].interval.interval_name
            'Screening'
        """
        intervals, forms, variables = side_by_side(
            lambda: self._sdk.intervals.list(study_key),
            lambda: self._sdk.forms.list(study_key),
            lambda: self._sdk.variables.list(study_key),
        )
        questions: dict[int | None, list[Variable]] = {}
        for variable in sorted(variables, key=lambda v: v.sequence or 0):
            questions.setdefault(variable.form_id, []).append(variable)
        nodes = {form.form_id: FormNode(form, questions.get(form.form_id, [])) for form in forms}
        placed = [
            IntervalNode(interval, [_node(nodes, form) for form in interval.forms or []])
            for interval in sorted(intervals, key=lambda i: i.interval_sequence or 0)
        ]
        scheduled = {node.form.form_id for interval in placed for node in interval.forms}
        unscheduled = [node for form_id, node in nodes.items() if form_id not in scheduled]
        return StudyStructure(study_key, placed, unscheduled)


def _node(nodes: dict[int | None, FormNode], scheduled: object) -> FormNode:
    """Return a scheduled form's node, made of what the interval says where it is not listed."""
    form_id = getattr(scheduled, "form_id", None)
    if form_id not in nodes:
        key, name = getattr(scheduled, "form_key", None), getattr(scheduled, "form_name", None)
        return FormNode(Form(form_id=form_id, form_key=key, form_name=name), [])
    return nodes[form_id]
