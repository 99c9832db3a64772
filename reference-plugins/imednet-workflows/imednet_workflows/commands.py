"""`imednet workflows ...`: the workflows on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imednet import ImednetSDK
from imednet.progress import Progress
from imednet_workflows import Workflows
from imednet_workflows.data_extraction import AuditEvent
from imednet_workflows.lookups import find_form
from imednet_workflows.metric_commands import Metrics, Queries
from imednet_workflows.record_update import Change
from imednet_workflows.terminal import (
    day_of,
    many,
    records_in,
    say,
    tell_sent,
    writing,
)

if TYPE_CHECKING:
    from imednet_workflows.study_structure import FormNode, StudyStructure
    from imednet_workflows.subject_data import SubjectData

__all__ = ["Commands"]


class Commands:
    """Extraction, audit trail, queries, metrics and safe writes for a study."""

    def __init__(self) -> None:
        self.queries = Queries()
        self.metrics = Metrics()

    def extract_records(
        self,
        study: str,
        *,
        form: str | None = None,
        visit: str | None = None,
        site: str | None = None,
        subject_status: str | None = None,
        labels: bool = False,
        blinded: bool = False,
        output: str = "csv",
        to: str | None = None,
    ) -> None:
        """Extract records with typed answers, one row a record and one column a question.

        Args:
            study: the study's key
            form: the form's key or name
            visit: the interval's name
            site: the site's name
            subject_status: only records of subjects with this status
            labels: name columns by the questions' labels
            blinded: blinded variables too
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, ImednetSDK() as sdk, Progress() as progress:
            frame = Workflows(sdk).record_mapper.dataframe(
                study, form, visit, labels, site=site, include_blinded=blinded, on_progress=progress
            )
            failures = frame.attrs["cast_failures"]
            if subject_status is not None:
                wanted = sdk.subjects.list(study, subject_status=subject_status)
                frame = frame[frame["subject_id"].isin([s.subject_id for s in wanted])]
            put.frame(frame)
        shown = set(frame["record_id"])
        for failure in (each for each in failures if each["record"] in shown):
            say(f"record {failure['record']}: {failure['variable']} could not be read, left empty")

    def audit_trail(
        self,
        study: str,
        *,
        start: str | None = None,
        end: str | None = None,
        user: str | None = None,
        site: str | None = None,
        form: str | None = None,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """List the saved changes of records: who, when, what, why.

        Args:
            study: the study's key
            start: changes made on this day or later, as YYYY-MM-DD
            end: changes made up to this day, included
            user: the login of who saved them
            site: the site's name
            form: the form's key or name
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        first, last = day_of(start, "--start"), day_of(end, "--end")
        with writing(output, to) as put, ImednetSDK() as sdk, Progress() as progress:
            conditions: dict[str, Any] = {}
            if form is not None:
                conditions["form_key"] = find_form(sdk.forms.list(study), form).form_key
            events = Workflows(sdk).data_extraction.extract_audit_trail(
                study, first, last, user, site=site, on_progress=progress, **conditions
            )
            put.events(events, AuditEvent)

    def subject(
        self, study: str, subject: str, *, output: str = "table", to: str | None = None
    ) -> None:
        """Show everything about a subject as one line of time.

        Args:
            study: the study's key
            subject: the subject's key
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, ImednetSDK() as sdk:
            found = Workflows(sdk).subject_data.get_all_subject_data(study, subject)
            put(_timeline(found), TIMELINE)
        one = found.subject
        say(f"{one.subject_key} at {one.site_name}: {one.subject_status}")

    def structure(
        self,
        study: str,
        *,
        variables: bool = False,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Show the schedule: intervals, their forms, and with --variables the questions.

        Args:
            study: the study's key
            variables: a row for each question
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        with writing(output, to) as put, ImednetSDK() as sdk:
            put(_structure(Workflows(sdk).study_structure.get(study), variables))

    def profile(
        self,
        study: str,
        *,
        form: str | None = None,
        forms: bool = False,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Profile the answers: how often filled, what they look like, which are frequent.

        Args:
            study: the study's key
            form: only this form, by key or name
            forms: a row a form instead of a row a variable
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        from imednet_workflows.profiling import profile

        with writing(output, to) as put, ImednetSDK() as sdk, Progress() as progress:
            conditions: dict[str, Any] = {}
            if form is not None:
                conditions["form_key"] = find_form(sdk.forms.list(study), form).form_key
            found = profile(
                sdk.records.iter(study, on_progress=progress, **conditions),
                sdk.forms.list(study, **conditions),
                sdk.variables.list(study, **conditions),
            )
            put.frame(found.forms if forms else found.variables)

    def register(
        self,
        study: str,
        file: str,
        *,
        form: str | None = None,
        dry_run: bool = False,
        batch_size: int = 100,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Register subjects from a file, and show the key that each was given.

        Args:
            study: the study's key
            file: .csv, .json or .jsonl with siteName or siteId, and the answers
            form: the registration form's key or name, where the file names none
            dry_run: check everything, send nothing
            batch_size: subjects a request
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        records = records_in(file)
        with writing(output, to) as put, ImednetSDK() as sdk:
            workflows = Workflows(sdk)
            if dry_run:
                given = workflows.register_subjects.records(study, records, form=form)
                put.events(workflows.record_update.preview(study, given), Change)
                say(f"{many(len(given), 'subject')} would be registered; nothing was sent.")
                return
            register = workflows.register_subjects.register_subjects
            options: dict[str, Any] = {"batch_size": batch_size, "on_progress": tell_sent}
            failure = put.outcomes(
                lambda: register(study, records, form=form, verify=True, **options)
            )
        if failure is not None:
            raise failure

    def update(
        self,
        study: str,
        file: str,
        *,
        dry_run: bool = False,
        batch_size: int = 100,
        output: str = "table",
        to: str | None = None,
    ) -> None:
        """Write records from a file: checked first, followed to the end, read back.

        Args:
            study: the study's key
            file: .csv, .json or .jsonl; see the documentation for its columns
            dry_run: show old and new of each value that would change, send nothing
            batch_size: records a request
            output: table, csv, json or jsonl
            to: a file, written whole or not at all
        """
        records = records_in(file)
        with writing(output, to) as put, ImednetSDK() as sdk:
            workflow = Workflows(sdk).record_update
            if dry_run:
                changes = workflow.preview(study, records)
                put.events(changes, Change)
                say(f"{many(len(changes), 'value')} would change; nothing was sent.")
                return
            write_all = workflow.create_or_update_records
            options: dict[str, Any] = {"batch_size": batch_size, "on_progress": tell_sent}
            failure = put.outcomes(lambda: write_all(study, records, verify=True, **options))
        if failure is not None:
            raise failure


TIMELINE = ("kind", "date", "what", "status", "user")


def _timeline(found: SubjectData) -> Iterator[dict[str, Any]]:
    """Yield all that happened to a subject, oldest first; what has no date comes last."""
    rows: list[tuple[Any, ...]] = [
        *(("visit", v.visit_date, v.interval_name, None, None) for v in found.visits),
        *(("record", r.date_created, r.form_key, r.record_status, None) for r in found.records),
        *(
            ("query", c.date, q.variable or q.description, c.annotation_status, c.user)
            for q in found.queries
            for c in q.query_comments or []
        ),
        *(
            ("change", r.date_created, r.form_key, r.reason_for_change, r.user)
            for r in found.record_revisions
        ),
    ]
    for row in sorted(rows, key=lambda row: str(row[1] or "9999")):
        yield dict(zip(TIMELINE, row, strict=True))


def _structure(found: StudyStructure, variables: bool) -> Iterator[dict[str, Any]]:
    placed: list[tuple[str | None, FormNode | None]] = []
    placed += [(i.interval.interval_name, node) for i in found.intervals for node in i.forms]
    placed += [("(unscheduled)", node) for node in found.unscheduled]
    placed += [(i.interval.interval_name, None) for i in found.intervals if not i.forms]
    for interval, node in placed:
        form = node.form if node else None
        row: dict[str, Any] = {
            "interval": interval,
            "form_key": form.form_key if form else None,
            "form_name": form.form_name if form else None,
        }
        if not variables:
            yield {**row, "variables": len(node.variables) if node else 0}
        for variable in node.variables if node and variables else []:
            yield {
                **row,
                "variable": variable.variable_name,
                "type": variable.variable_type,
                "label": variable.label,
                "blinded": variable.blinded,
                "disabled": variable.disabled,
            }
