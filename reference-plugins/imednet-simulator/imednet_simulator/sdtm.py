"""SDTM domains turned into a study: a form a domain, a record a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from imednet_simulator import protocol
from imednet_simulator.people import DAY
from imednet_simulator.protocol import COMPLETE, COMPLETED, ENROLLED, FAILED, SCREENING, WITHDRAWN
from imednet_simulator.scaffold import API_ROLE, API_USER, FORM_FLAGS, add_user, api_person
from imednet_simulator.store import Question, Study
from imednet_simulator.xpt import Domain

MILESTONES = ("INFORMED CONSENT OBTAINED", "RANDOMIZED", "ENROLLED", "ELIGIBILITY CRITERIA MET")
LABELS = {
    "AE": "Adverse Events",
    "CM": "Concomitant Medications",
    "DM": "Demographics",
    "DS": "Disposition",
    "EX": "Exposure",
    "LB": "Laboratory Tests",
    "MH": "Medical History",
    "SV": "Subject Visits",
    "VS": "Vital Signs",
}


@dataclass
class _Subject:
    id: int
    oid: str
    key: str
    site_id: int | None
    since: int


@dataclass
class _Import:
    """What has been made so far, to be pointed at by what comes next."""

    study: Study
    start: int
    sites: dict[str, int] = field(default_factory=dict)
    subjects: dict[str, _Subject] = field(default_factory=dict)
    intervals: dict[float | str, int] = field(default_factory=dict)
    visits: dict[tuple[int, int], int] = field(default_factory=dict)


def build(domains: dict[str, Domain], folder_name: str) -> Study:
    """The study that these domains (DM among them) make up."""
    dm = domains["DM"]
    key = next((str(name) for name in dm.column("STUDYID") if name), folder_name)
    study = Study(key, "DM", SCREENING, ENROLLED, None)
    moments = [moment(text) for d in domains.values() for text in _dates(d)]
    start = min((at for at in moments if at is not None), default=0)
    work = _Import(study, start)
    _study_row(work, key)
    _sites(work, domains)
    _forms(work, domains)
    _intervals(work, domains)
    _subjects(work, dm, _dispositions(domains.get("DS")))
    if "SV" in domains:
        _visits(work, domains["SV"])
    _records(work, domains)
    add_user(study, api_person(start))
    return study


def moment(text: Any) -> int | None:
    """Seconds since 1970 of an ISO 8601 text that has at least a full date, else None."""
    try:
        return int(datetime.fromisoformat(str(text)[:19]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _dates(domain: Domain) -> list[Any]:
    """For each row the date it was collected, else the one at which it starts."""
    name = domain.name
    own = domain.column(f"{name}DTC", f"{name}STDTC")
    other = domain.column(f"{name}STDTC")
    return [a or b for a, b in zip(own, other, strict=True)]


def _study_row(work: _Import, key: str) -> None:
    work.study["studies"].add(
        sponsorKey="IMPORT",
        studyKey=key,
        studyId=1,
        studyName=key,
        studyDescription=f"{key}, read from XPORT files",
        studyType="STUDY",
        dateCreated=work.start,
        dateModified=work.start,
    )


def _sites(work: _Import, domains: dict[str, Domain]) -> None:
    named = {str(v) for d in domains.values() for v in d.column("SITEID") if v is not None}
    names = sorted(named)
    plain = all(name.isascii() and name.isdigit() and len(name) < 10 for name in names)
    numbers = [int(name) for name in names] if plain else list(range(1, len(names) + 1))
    if len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(names) + 1))
    for number, name in sorted(zip(numbers, names, strict=True)):
        work.sites[name] = number
        work.study["sites"].add(
            siteId=number,
            siteName=f"Site {name}",
            siteEnrollmentStatus=protocol.CLOSED,
            dateCreated=work.start,
            dateModified=work.start,
        )


def _forms(work: _Import, domains: dict[str, Domain]) -> None:
    for number, domain in enumerate(domains.values(), start=1):
        work.study["forms"].add(
            formId=number,
            formKey=domain.name,
            formName=domain.label or LABELS.get(domain.name, domain.name),
            formType="Subject" if "USUBJID" in domain.columns else "Site",
            revision=1,
            **dict.fromkeys(FORM_FLAGS, False),
            dateCreated=work.start,
            dateModified=work.start,
        )
        _variables(work, number, domain)


def _variables(work: _Import, form: int, domain: Domain) -> None:
    questions = []
    for place, name in enumerate(domain.columns):
        kind = _kind(domain, name)
        questions.append(Question(name, kind, place))
        work.study["variables"].add(
            variableId=1000 * form + place + 1,
            variableType=kind,
            variableName=name,
            sequence=place + 1,
            revision=1,
            disabled=False,
            dateCreated=work.start,
            dateModified=work.start,
            formId=form,
            variableOid=f"{domain.name}.{name}",
            deleted=False,
            formKey=domain.name,
            formName=domain.label or LABELS.get(domain.name, domain.name),
            label=domain.labels.get(name, name),
            blinded=False,
        )
    work.study.ask(form, questions, domain.columns)


def _kind(domain: Domain, name: str) -> str:
    values = domain.columns[name]
    if name in domain.numeric:
        whole = all(value is None or value == int(value) for value in values)
        return "INTEGER" if whole else "FLOAT"
    if name.endswith("DTC"):
        return "DATETIME" if any("T" in str(value) for value in values) else "DATE"
    return "TEXT"


def _visit_keys(domain: Domain) -> list[tuple[float | str, Any, Any] | None]:
    """For each row (key, number, name) of its visit; the key is the number where there is one."""
    pairs = zip(domain.column("VISITNUM"), domain.column("VISIT"), strict=True)
    return [
        None if number is name is None else (name if number is None else number, number, name)
        for number, name in pairs
    ]


def _intervals(work: _Import, domains: dict[str, Domain]) -> None:
    """One for each visit that any domain names, in the order of VISITNUM."""
    found: dict[float | str, str] = {}
    forms: dict[float | str, dict[str, set[Any]]] = {}
    days: dict[float | str, int] = {}
    for domain in sorted(domains.values(), key=lambda d: d.name != "SV"):
        planned, subjects = domain.column("VISITDY"), domain.column("USUBJID")
        for visit, day, subject in zip(_visit_keys(domain), planned, subjects, strict=True):
            if visit is None:
                continue
            key, number, name = visit
            found.setdefault(key, str(name or f"Visit {_text(number)}"))
            forms.setdefault(key, {}).setdefault(domain.name, set()).add(subject)
            if day is not None:
                days.setdefault(key, int(day))
    order = sorted(found, key=lambda k: (isinstance(k, str), k if isinstance(k, str) else ""))
    order.sort(key=lambda k: k if not isinstance(k, str) else float("inf"))
    for sequence, key in enumerate(order, start=1):
        work.intervals[key] = sequence
        _interval(work, sequence, found[key], _usual(forms[key]), days.get(key))


def _usual(forms: dict[str, set[Any]]) -> list[str]:
    """The forms that are filled in at a visit as a rule: for half of who made it, at least."""
    made = len(forms.get("SV") or set().union(*forms.values()))
    return [name for name, subjects in forms.items() if 2 * len(subjects) >= made]


def _interval(work: _Import, number: int, name: str, keys: list[str], day: int | None) -> None:
    forms = work.study["forms"]
    listed = []
    for key in keys:
        (row,) = forms.find("formKey", key)
        listed.append({n: forms.value(row, n) for n in ("formId", "formKey", "formName")})
    work.study["intervals"].add(
        intervalId=number,
        intervalName=name,
        intervalDescription=name,
        intervalSequence=number,
        intervalGroupId=1,
        intervalGroupName="Visits",
        disabled=False,
        dateCreated=work.start,
        dateModified=work.start,
        timeline="Actual Date",
        actualDateForm=LABELS["SV"],
        actualDate="SVSTDTC",
        dueDateWillBeIn=day,
        forms=listed,
    )


def _dispositions(ds: Domain | None) -> dict[str, str]:
    """Each subject's status from its disposition event, where DS has one."""
    if ds is None:
        return {}
    statuses = {}
    columns = (ds.column(name) for name in ("USUBJID", "DSDECOD", "DSCAT"))
    for subject, term, category in zip(*columns, strict=True):
        word = str(term or "").upper()
        if (category or "DISPOSITION EVENT") != "DISPOSITION EVENT" or word in ("", *MILESTONES):
            continue
        known = {"COMPLETED": COMPLETED, "SCREEN FAILURE": FAILED}
        statuses[str(subject)] = known.get(word, WITHDRAWN)
    return statuses


def _subjects(work: _Import, dm: Domain, statuses: dict[str, str]) -> None:
    keys, oids = dm.column("USUBJID", "SUBJID"), dm.column("SUBJID", "USUBJID")
    begun, arms = map(moment, dm.column("RFSTDTC")), dm.column("ARMCD")
    seen = [moment(text) for text in dm.column("DMDTC", "RFICDTC")]
    rows = zip(keys, oids, dm.column("SITEID"), begun, seen, arms, strict=True)
    numbers = count(1)
    for key, oid, site, start, first, arm in rows:
        if key is None or str(key) in work.subjects:
            continue
        key = str(key)
        since = first or start or work.start
        subject = _Subject(next(numbers), str(oid or key), key, work.sites.get(str(site)), since)
        work.subjects[key] = subject
        failed = str(arm).upper() == "SCRNFAIL"
        default = FAILED if failed else ENROLLED if start else SCREENING
        work.study["subjects"].add(
            subjectId=subject.id,
            subjectOid=subject.oid,
            subjectKey=key,
            subjectStatus=statuses.get(key, default),
            siteId=subject.site_id,
            siteName=f"Site {site}" if site is not None else None,
            deleted=False,
            enrollmentStartDate=start,
            dateCreated=since,
            dateModified=max(since, start or since),
        )


def _visits(work: _Import, sv: Domain) -> None:
    numbers = count(1)
    rows = zip(sv.column("USUBJID"), _visit_keys(sv), sv.column("SVSTDTC"), strict=True)
    for key, visit, began in rows:
        subject = work.subjects.get(str(key))
        if subject is None or visit is None:
            continue
        interval = work.intervals[visit[0]]
        if (subject.id, interval) in work.visits:
            continue
        work.visits[subject.id, interval] = number = next(numbers)
        at = moment(began)
        (row,) = work.study["intervals"].find("intervalId", interval)
        work.study["visits"].add(
            visitId=number,
            intervalId=interval,
            intervalName=work.study["intervals"].value(row, "intervalName"),
            subjectId=subject.id,
            subjectKey=subject.key,
            visitDate=None if at is None else at // DAY,
            visitDateForm=LABELS["SV"],
            visitDateQuestion="SVSTDTC",
            deleted=False,
            dateCreated=at or subject.since,
            dateModified=at or subject.since,
        )


def _records(work: _Import, domains: dict[str, Domain]) -> None:
    numbers = count(1)
    for form, domain in enumerate(domains.values(), start=1):
        subjects = domain.column("USUBJID", "SUBJID" if domain.name == "DM" else "USUBJID")
        rows = zip(*domain.columns.values(), strict=True)
        about = zip(
            subjects, domain.column("SITEID"), _visit_keys(domain), _dates(domain), strict=True
        )
        for row, (key, site, visit, date) in zip(rows, about, strict=True):
            subject = work.subjects.get(str(key))
            place = _place(work, subject, site, visit)
            at = moment(date) or (subject.since if subject else work.start)
            _record(work, next(numbers), form, domain.name, row, place, at)


def _place(work: _Import, subject: _Subject | None, site: Any, visit: Any) -> dict[str, Any]:
    interval = None if visit is None else work.intervals[visit[0]]
    place: dict[str, Any] = {"intervalId": interval, "siteId": work.sites.get(str(site))}
    if subject is not None:
        place.update(
            siteId=subject.site_id,
            subjectId=subject.id,
            subjectOid=subject.oid,
            subjectKey=subject.key,
        )
        if interval is not None:
            place["visitId"] = work.visits.get((subject.id, interval))
    return place


def _record(
    work: _Import,
    number: int,
    form: int,
    key: str,
    row: tuple[Any, ...],
    place: dict[str, Any],
    at: int,
) -> None:
    work.study["records"].add(
        **place,
        formId=form,
        formKey=key,
        recordId=number,
        recordOid=f"REC-{number}",
        recordType="SUBJECT" if "subjectId" in place else "SITE",
        recordStatus=COMPLETE,
        deleted=False,
        dateCreated=at,
        dateModified=at,
        recordData=tuple(map(_text, row)),
    )
    work.study["recordRevisions"].add(
        **{name: value for name, value in place.items() if name != "visitId"},
        recordRevisionId=number,
        recordId=number,
        recordOid=f"REC-{number}",
        recordRevision=1,
        dataRevision=1,
        recordStatus=COMPLETE,
        formKey=key,
        role=API_ROLE,
        user=API_USER,
        deleted=False,
        dateCreated=at,
    )


def _text(value: Any) -> str | None:
    """A value as the wire shows it; whole numbers without a fraction."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return None if value is None else str(value)
