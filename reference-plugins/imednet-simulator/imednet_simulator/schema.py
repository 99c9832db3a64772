"""The twelve lists of the API: where they live, what identifies a row, which fields it has.

Kept apart from any client's models on purpose: a mistake made in both places would stay hidden,
a mistake made in one of them shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

TEXT = "text"
INTEGER = "integer"
BOOLEAN = "boolean"
TIMESTAMP = "timestamp"
DATE = "date"
NESTED = "nested"


@dataclass(frozen=True)
class Resource:
    """One list of the API; `fields` maps a field's name to its kind, in the order of the wire."""

    name: str
    key: str
    fields: dict[str, str]
    default_sort: str
    filterable: bool = True

    @cached_property
    def scalars(self) -> dict[str, str]:
        """The fields that can be filtered and sorted by."""
        return {name: kind for name, kind in self.fields.items() if kind != NESTED}


def _fields(**kinds: str) -> dict[str, str]:
    """`text="a b", integer="c"` read as {"a": "text", "b": "text", "c": "integer"}."""
    return {name: kind for kind, names in kinds.items() for name in names.split()}


def _ordered(order: str, **kinds: str) -> dict[str, str]:
    fields = _fields(**kinds)
    return {name: fields[name] for name in order.split()}


_DATES = "dateCreated dateModified"

STUDIES = Resource(
    "studies",
    "studyKey",
    _ordered(
        "sponsorKey studyKey studyId studyName studyDescription studyType dateCreated dateModified",
        text="sponsorKey studyKey studyName studyDescription studyType",
        integer="studyId",
        timestamp=_DATES,
    ),
    "studyKey",
)
SITES = Resource(
    "sites",
    "siteId",
    _ordered(
        "studyKey siteId siteName siteEnrollmentStatus dateCreated dateModified",
        text="studyKey siteName siteEnrollmentStatus",
        integer="siteId",
        timestamp=_DATES,
    ),
    "siteId",
)
FORMS = Resource(
    "forms",
    "formId",
    _ordered(
        "studyKey formId formKey formName formType revision embeddedLog enforceOwnership"
        " userAgreement subjectRecordReport unscheduledVisit otherForms eproForm allowCopy"
        " disabled dateCreated dateModified",
        text="studyKey formKey formName formType",
        integer="formId revision",
        boolean="embeddedLog enforceOwnership userAgreement subjectRecordReport unscheduledVisit"
        " otherForms eproForm allowCopy disabled",
        timestamp=_DATES,
    ),
    "formId",
)
INTERVALS = Resource(
    "intervals",
    "intervalId",
    _ordered(
        "studyKey intervalId intervalName intervalDescription intervalSequence intervalGroupId"
        " intervalGroupName disabled dateCreated dateModified timeline definedUsingInterval"
        " windowCalculationForm windowCalculationDate actualDateForm actualDate dueDateWillBeIn"
        " negativeSlack positiveSlack eproGracePeriod forms",
        text="studyKey intervalName intervalDescription intervalGroupName timeline"
        " definedUsingInterval windowCalculationForm windowCalculationDate actualDateForm"
        " actualDate",
        integer="intervalId intervalSequence intervalGroupId dueDateWillBeIn negativeSlack"
        " positiveSlack eproGracePeriod",
        boolean="disabled",
        timestamp=_DATES,
        nested="forms",
    ),
    "intervalId",
)
VISITS = Resource(
    "visits",
    "visitId",
    _ordered(
        "visitId studyKey intervalId intervalName subjectId subjectKey startDate endDate dueDate"
        " visitDate visitDateForm deleted visitDateQuestion dateCreated dateModified",
        text="studyKey intervalName subjectKey visitDateForm visitDateQuestion",
        integer="visitId intervalId subjectId",
        date="startDate endDate dueDate visitDate",
        boolean="deleted",
        timestamp=_DATES,
    ),
    "visitId",
)
SUBJECTS = Resource(
    "subjects",
    "subjectId",
    _ordered(
        "studyKey subjectId subjectOid subjectKey subjectStatus siteId siteName deleted"
        " enrollmentStartDate dateCreated dateModified keywords",
        text="studyKey subjectOid subjectKey subjectStatus siteName",
        integer="subjectId siteId",
        boolean="deleted",
        timestamp=f"enrollmentStartDate {_DATES}",
        nested="keywords",
    ),
    "subjectId",
)
USERS = Resource(
    "users",
    "userId",
    _ordered(
        "userId login firstName lastName email userActiveInStudy roles",
        text="userId login firstName lastName email",
        boolean="userActiveInStudy",
        nested="roles",
    ),
    "login",
    filterable=False,
)
VARIABLES = Resource(
    "variables",
    "variableId",
    _ordered(
        "studyKey variableId variableType variableName sequence revision disabled dateCreated"
        " dateModified formId variableOid deleted formKey formName label blinded",
        text="studyKey variableType variableName variableOid formKey formName label",
        integer="variableId sequence revision formId",
        boolean="disabled deleted blinded",
        timestamp=_DATES,
    ),
    "variableId",
)
CODINGS = Resource(
    "codings",
    "codingId",
    _ordered(
        "studyKey siteName siteId subjectId subjectKey formId formName formKey revision recordId"
        " variable value codingId code codedBy reason dictionaryName dictionaryVersion dateCoded",
        text="studyKey siteName subjectKey formName formKey variable value code codedBy reason"
        " dictionaryName dictionaryVersion",
        integer="siteId subjectId formId revision recordId codingId",
        timestamp="dateCoded",
    ),
    "recordId",
)
QUERIES = Resource(
    "queries",
    "annotationId",
    _ordered(
        "studyKey subjectId subjectOid annotationType annotationId type description recordId"
        " variable subjectKey dateCreated dateModified queryComments",
        text="studyKey subjectOid annotationType type description variable subjectKey",
        integer="subjectId annotationId recordId",
        timestamp=_DATES,
        nested="queryComments",
    ),
    "annotationId",
)
REVISIONS = Resource(
    "recordRevisions",
    "recordRevisionId",
    _ordered(
        "studyKey recordRevisionId recordId recordOid recordRevision dataRevision recordStatus"
        " subjectId subjectOid subjectKey siteId formKey intervalId role user reasonForChange"
        " deleted dateCreated",
        text="studyKey recordOid recordStatus subjectOid subjectKey formKey role user"
        " reasonForChange",
        integer="recordRevisionId recordId recordRevision dataRevision subjectId siteId intervalId",
        boolean="deleted",
        timestamp="dateCreated",
    ),
    "recordRevisionId",
)
RECORDS = Resource(
    "records",
    "recordId",
    _ordered(
        "studyKey intervalId formId formKey siteId recordId recordOid recordType recordStatus"
        " deleted dateCreated dateModified subjectId subjectOid subjectKey visitId parentRecordId"
        " keywords recordData",
        text="studyKey formKey recordOid recordType recordStatus subjectOid subjectKey",
        integer="intervalId formId siteId recordId subjectId visitId parentRecordId",
        boolean="deleted",
        timestamp=_DATES,
        nested="keywords recordData",
    ),
    "recordId",
)

RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for resource in (
        STUDIES,
        SITES,
        FORMS,
        INTERVALS,
        VISITS,
        SUBJECTS,
        USERS,
        VARIABLES,
        CODINGS,
        QUERIES,
        REVISIONS,
        RECORDS,
    )
}
