"""One dataclass a resource of the API, with every field of its description.

Identifiers ending in `_id` are iMednet's own numbers, those ending in `_oid`
come from the sponsor, and `_key` is what people see (a subject's screening
number, a form's short name). `date_created` and `date_modified` are when a row
was made and last changed on the server, not when anything happened at a site.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from imednet.models.decoding import Model, model

__all__ = [
    "Coding",
    "Form",
    "Interval",
    "IntervalForm",
    "Job",
    "Keyword",
    "Model",
    "Query",
    "QueryComment",
    "Record",
    "RecordRevision",
    "Role",
    "Site",
    "Study",
    "Subject",
    "User",
    "Variable",
    "Visit",
]


@model
class Study(Model):
    """A study that the keys may read; `study_key` is what every other list asks for."""

    sponsor_key: str | None = None
    study_key: str | None = None
    study_id: int | None = None
    study_name: str | None = None
    study_description: str | None = None
    study_type: str | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None


@model
class Site(Model):
    """A site of a study; `site_enrollment_status` is in the study's own words."""

    study_key: str | None = None
    site_id: int | None = None
    site_name: str | None = None
    site_enrollment_status: str | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None


@model
class Form(Model):
    """A form (eCRF); `revision` counts changes of its design, `disabled` is a soft delete."""

    study_key: str | None = None
    form_id: int | None = None
    form_key: str | None = None
    form_name: str | None = None
    form_type: str | None = None
    revision: int | None = None
    embedded_log: bool | None = None
    enforce_ownership: bool | None = None
    user_agreement: bool | None = None
    subject_record_report: bool | None = None
    unscheduled_visit: bool | None = None
    other_forms: bool | None = None
    epro_form: bool | None = None
    allow_copy: bool | None = None
    disabled: bool | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None


@model
class IntervalForm(Model):
    """A form that an interval schedules."""

    form_id: int | None = None
    form_key: str | None = None
    form_name: str | None = None


@model
class Interval(Model):
    """A visit as the schedule defines it.

    The due date is `due_date_will_be_in` days after the date in
    `window_calculation_form` and `window_calculation_date`; the window opens
    `negative_slack` days before and closes `positive_slack` days after it.
    """

    study_key: str | None = None
    interval_id: int | None = None
    interval_name: str | None = None
    interval_description: str | None = None
    interval_sequence: int | None = None
    interval_group_id: int | None = None
    interval_group_name: str | None = None
    timeline: str | None = None
    defined_using_interval: str | None = None
    window_calculation_form: str | None = None
    window_calculation_date: str | None = None
    actual_date_form: str | None = None
    actual_date: str | None = None
    due_date_will_be_in: int | None = None
    negative_slack: int | None = None
    positive_slack: int | None = None
    epro_grace_period: int | None = None
    forms: list[IntervalForm] | None = None
    disabled: bool | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None


@model
class Visit(Model):
    """A subject's visit; `visit_date` is None until it took place.

    The four visit dates are calendar dates without a time or zone.
    """

    study_key: str | None = None
    visit_id: int | None = None
    interval_id: int | None = None
    interval_name: str | None = None
    subject_id: int | None = None
    subject_key: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    due_date: date | None = None
    visit_date: date | None = None
    visit_date_form: str | None = None
    visit_date_question: str | None = None
    deleted: bool | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None


@model
class Keyword(Model):
    """A label that users put on a subject or record."""

    keyword_name: str | None = None
    keyword_key: str | None = None
    keyword_id: int | None = None
    date_added: datetime | None = None


@model
class Subject(Model):
    """A subject; `subject_status` is in the study's own words."""

    study_key: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    subject_status: str | None = None
    site_id: int | None = None
    site_name: str | None = None
    deleted: bool | None = None
    enrollment_start_date: datetime | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None
    keywords: list[Keyword] | None = None


@model
class Role(Model):
    """A role that a user has in the study."""

    date_created: datetime | None = None
    date_modified: datetime | None = None
    role_id: str | None = None
    community_id: int | None = None
    name: str | None = None
    description: str | None = None
    level: int | None = None
    type: str | None = None
    inactive: bool | None = None


@model
class User(Model):
    """A user of the study."""

    user_id: str | None = None
    login: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    user_active_in_study: bool | None = None
    roles: list[Role] | None = None


@model
class Variable(Model):
    """A question of a form: `variable_name` keys its answers in `Record.record_data`."""

    study_key: str | None = None
    variable_id: int | None = None
    variable_type: str | None = None
    variable_name: str | None = None
    sequence: int | None = None
    revision: int | None = None
    disabled: bool | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None
    form_id: int | None = None
    variable_oid: str | None = None
    deleted: bool | None = None
    form_key: str | None = None
    form_name: str | None = None
    label: str | None = None
    blinded: bool | None = None


@model
class Coding(Model):
    """A value coded with a dictionary (MedDRA, say); `code` is None until it is coded."""

    study_key: str | None = None
    site_name: str | None = None
    site_id: int | None = None
    subject_id: int | None = None
    subject_key: str | None = None
    form_id: int | None = None
    form_name: str | None = None
    form_key: str | None = None
    revision: int | None = None
    record_id: int | None = None
    variable: str | None = None
    value: str | None = None
    coding_id: int | None = None
    code: str | None = None
    coded_by: str | None = None
    reason: str | None = None
    dictionary_name: str | None = None
    dictionary_version: str | None = None
    date_coded: datetime | None = None


@model
class QueryComment(Model):
    """One step in a query's life; `closed` tells whether the query was closed after it."""

    sequence: int | None = None
    annotation_status: str | None = None
    user: str | None = None
    comment: str | None = None
    closed: bool | None = None
    date: datetime | None = None


@model
class Query(Model):
    """A query on a subject, record or question.

    Its state is the `closed` of the comment with the highest `sequence`; without
    comments it is unknown. It names no site: that is its subject's.
    """

    study_key: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    annotation_type: str | None = None
    annotation_id: int | None = None
    type: str | None = None
    description: str | None = None
    record_id: int | None = None
    variable: str | None = None
    subject_key: str | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None
    query_comments: list[QueryComment] | None = None


@model
class RecordRevision(Model):
    """One saved change of a record: who, when and why; neither variable nor value."""

    study_key: str | None = None
    record_revision_id: int | None = None
    record_id: int | None = None
    record_oid: str | None = None
    record_revision: int | None = None
    data_revision: int | None = None
    record_status: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    site_id: int | None = None
    form_key: str | None = None
    interval_id: int | None = None
    role: str | None = None
    user: str | None = None
    reason_for_change: str | None = None
    deleted: bool | None = None
    date_created: datetime | None = None


@model
class Record(Model):
    """A filled-in form; `record_data` maps variable names to answers, as the API sent them.

    Variable names may differ in case from those of `Variable`, and may even be
    `dateCreated`: answers are kept apart from the record's own fields.
    """

    study_key: str | None = None
    interval_id: int | None = None
    form_id: int | None = None
    form_key: str | None = None
    site_id: int | None = None
    record_id: int | None = None
    record_oid: str | None = None
    record_type: str | None = None
    record_status: str | None = None
    deleted: bool | None = None
    date_created: datetime | None = None
    date_modified: datetime | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    visit_id: int | None = None
    parent_record_id: int | None = None
    keywords: list[Keyword] | None = None
    record_data: dict[str, Any] | None = None


@model
class Job(Model):
    """A batch of records on its way in; `state` is in the server's words and case."""

    job_id: str | None = None
    batch_id: str | None = None
    state: str | None = None
    date_created: datetime | None = None
    date_started: datetime | None = None
    date_finished: datetime | None = None
