"""Many subjects registered at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imednet import ImednetSDK
from imednet_workflows.lookups import Name, find_form
from imednet_workflows.record_update import RecordUpdate, UpdateResult

__all__ = ["RegisterSubjects"]


class RegisterSubjects:
    """`sdk.workflows.register_subjects`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def register_subjects(
        self,
        study_key: str,
        subjects: Iterable[Mapping[str, Any]],
        *,
        form: Name | None = None,
        **options: Any,
    ) -> UpdateResult:
        """Register subjects; each is a dict with `siteName` or `siteId`, and `data` (may be empty).

        Args:
            form: the registration form by key, name or id, for the subjects that name
                none themselves.
            options: those of `record_update.create_or_update_records`; with
                `verify=True` the result has the key that the system gave to each.

        Raises:
            RecordsRefused: a subject has no site, or names what the study does not have.

        Example:
            >>> subjects = [{"siteName": site.site_name}]
            >>> result = sdk.workflows.register_subjects.register_subjects(
            ...     "DEMO", subjects, form="REG", verify=True, poll_interval=0.05)
            >>> result.records[0].subject_key is not None
            True
        """
        items = self.records(study_key, subjects, form=form)
        return RecordUpdate(self._sdk).create_or_update_records(study_key, items, **options)

    def records(
        self, study_key: str, subjects: Iterable[Mapping[str, Any]], *, form: Name | None = None
    ) -> list[dict[str, Any]]:
        """Return the records that `register_subjects` sends, for a preview; sends nothing.

        Example:
            >>> sdk.workflows.register_subjects.records("DEMO", [{"siteId": 1}], form="REG")
            [{'formKey': 'REG', 'data': {}, 'siteId': 1}]
        """
        default: dict[str, Any] = {}
        if form is not None:
            default = {"formKey": find_form(self._sdk.forms.list(study_key), form).form_key}
        items = []
        for subject in subjects:
            own = dict(subject)
            named = {} if {"formKey", "formId"} & set(own) else default
            items.append({**named, "data": {}, **own})
        return items
