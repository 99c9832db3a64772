"""The demo study's fixed tables: study, sites, forms, variables, intervals, users."""

from __future__ import annotations

from typing import Any

from imednet_simulator import schema
from imednet_simulator.columns import moment_text
from imednet_simulator.people import DAY, Person, Staff
from imednet_simulator.protocol import (
    BLINDED,
    FORMS,
    GROUPS,
    INTERVALS,
    STUDY_DESCRIPTION,
    STUDY_KEY,
    STUDY_NAME,
    Form,
    Interval,
    Site,
)
from imednet_simulator.store import Question, Study

LEVELS = {"Study Administrator": 1, "Data Manager": 2, "Medical Coder": 2, "Monitor": 3}
API_USER, API_ROLE = "api-client", "API"
FORM_FLAGS = tuple(name for name, kind in schema.FORMS.fields.items() if kind == schema.BOOLEAN)


def fill(study: Study, sites: list[Site], staff: Staff, opened: int, noon: int) -> None:
    """Everything but subjects; `opened` is when the study was set up, in seconds."""
    study["studies"].add(
        sponsorKey="SIMSPONSOR",
        studyKey=STUDY_KEY,
        studyId=4201,
        studyName=STUDY_NAME,
        studyDescription=STUDY_DESCRIPTION,
        studyType="STUDY",
        dateCreated=opened,
        dateModified=opened + 30 * DAY,
    )
    for site in sites:
        study["sites"].add(
            siteId=site.id,
            siteName=site.name,
            siteEnrollmentStatus=site.character.status,
            dateCreated=site.created,
            dateModified=site.closed or site.activated,
        )
    for form in FORMS.values():
        _form(study, form, opened)
    for interval in INTERVALS:
        _interval(study, interval, opened)
    for person in sorted(_everybody(staff, opened), key=lambda p: p.login):
        add_user(study, person)


def _everybody(staff: Staff, opened: int) -> list[Person]:
    return [*staff.people, api_person(opened)]


def api_person(since: int) -> Person:
    """The user in whose name the API writes."""
    first, second = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    return Person(API_USER, "API", "Client", API_ROLE, first, second, since)


def _form(study: Study, form: Form, opened: int) -> None:
    amended = opened + 12 * DAY if form.number % 3 else opened
    study["forms"].add(
        formId=form.id,
        formKey=form.key,
        formName=form.name,
        formType=form.kind,
        revision=1 if amended == opened else 2,
        **{flag: flag in form.flags for flag in FORM_FLAGS},
        dateCreated=opened,
        dateModified=amended,
    )
    for place, item in enumerate(form.items, start=1):
        study["variables"].add(
            variableId=10 * form.id + place,
            variableType=item.kind,
            variableName=item.name,
            sequence=place,
            revision=1 if amended == opened else 2,
            disabled=item.disabled,
            dateCreated=opened,
            dateModified=amended,
            formId=form.id,
            variableOid=f"{form.key}.{item.name}",
            deleted=False,
            formKey=form.key,
            formName=form.name,
            label=item.label,
            blinded=BLINDED in item.marks,
        )
    study.ask(form.id, _questions(form), [item.shown for item in form.live_items])


def _questions(form: Form) -> list[Question]:
    live = form.live_items
    questions = []
    for item in form.items:
        closed = "disabled" if item.disabled else "blinded" if BLINDED in item.marks else None
        place = -1 if item.disabled else live.index(item)
        questions.append(Question(item.name, item.kind, place, closed, item.required))
    return questions


def _interval(study: Study, interval: Interval, opened: int) -> None:
    anchored = interval.anchor is not None
    study["intervals"].add(
        intervalId=interval.id,
        intervalName=interval.name,
        intervalDescription=f"{interval.name} visit",
        intervalSequence=10 * interval.number,
        intervalGroupId=GROUPS[interval.group],
        intervalGroupName=interval.group,
        disabled=interval.disabled,
        dateCreated=opened,
        dateModified=opened + (200 * DAY if interval.disabled else 0),
        timeline="Due Date" if anchored else "Actual Date",
        definedUsingInterval=interval.anchor,
        windowCalculationForm=FORMS["SV"].name if anchored else None,
        windowCalculationDate="SVSTDAT" if anchored else None,
        actualDateForm=FORMS["SV"].name,
        actualDate="SVSTDAT",
        dueDateWillBeIn=interval.due,
        negativeSlack=interval.before if anchored else None,
        positiveSlack=interval.after if anchored else None,
        eproGracePeriod=2 if "QS" in interval.forms else None,
        forms=[
            {"formId": FORMS[key].id, "formKey": key, "formName": FORMS[key].name}
            for key in interval.forms
        ],
    )


def add_user(study: Study, person: Person) -> None:
    """One user with one role."""
    study["users"].add(
        userId=person.id,
        login=person.login,
        firstName=person.first,
        lastName=person.last,
        email=f"{person.login}@sim-air.example",
        userActiveInStudy=person.active,
        roles=[_role(person)],
    )


def _role(person: Person) -> dict[str, Any]:
    site = person.site_id
    return {
        "dateCreated": parts(person.since),
        "dateModified": parts(person.since),
        "roleId": person.role_id,
        "communityId": 1000 + site,
        "name": person.role,
        "description": f"{person.role} of site {site}" if site else f"{person.role} of the study",
        "level": LEVELS.get(person.role, 4),
        "type": "SITE" if site else "STUDY",
        "inactive": not person.active,
    }


def parts(seconds: int) -> list[int]:
    """A moment as the numbers that roles show: year, month, ... second, nanosecond."""
    text = moment_text(seconds)
    day, clock = text.split(" ")
    return [*map(int, day.split("-")), *map(int, clock.split(":")), 0]
