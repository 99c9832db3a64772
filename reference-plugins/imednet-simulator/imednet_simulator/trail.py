"""A record's trail: its revisions, queries and coding, from first entry to the last signature."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import log
from random import Random
from typing import Any

from imednet_simulator.columns import moment_text
from imednet_simulator.people import DAY, Staff
from imednet_simulator.protocol import (
    COMPLETE,
    FORMS,
    INCOMPLETE,
    KEYWORDS,
    PARTLY,
    READY,
    VERIFIED,
    Form,
    Site,
)
from imednet_simulator.store import Study

_REASONS = ("Data entry error", "Source document updated", "Query response", "Value omitted")
_ASKED = (
    "Please check this value against the source.",
    "Value is outside the expected range, please confirm or correct.",
    "Date does not agree with the visit date.",
    "Answer is missing, please complete.",
    "Please clarify: inconsistent with the previous visit.",
)
_ANSWERED = ("Corrected.", "Confirmed as recorded in source.", "Source checked, value is right.")


@dataclass
class Owner:
    """Whose record it is: a subject's, or (with nulls) a site's own."""

    site: Site
    subject_id: int | None = None
    oid: str | None = None
    key: str | None = None


@dataclass
class Entry:
    """A record about to be written: where it belongs, and when it was first saved."""

    owner: Owner
    form: Form
    answers: list[str | None]
    saved: int
    interval_id: int | None = None
    visit_id: int | None = None
    parent: int | None = None
    erased: bool = False


class Trail:
    """Writes records and what happens to them; nothing later than `end` has happened."""

    def __init__(self, study: Study, staff: Staff, end: int, rng: Random) -> None:
        self.end, self.rng, self.staff = end, rng, staff
        self.record_ids, self.revision_ids = count(1), count(1)
        self.query_ids, self.coding_ids = count(1), count(1)
        self.required = {
            form.id: [i for i, item in enumerate(form.live_items) if item.required]
            for form in FORMS.values()
        }
        self._records = study["records"].adder(
            "intervalId formId formKey siteId recordId recordOid recordType recordStatus deleted"
            " dateCreated dateModified subjectId subjectOid subjectKey visitId parentRecordId"
            " keywords recordData"
        )
        self._revisions = study["recordRevisions"].adder(
            "recordRevisionId recordId recordOid recordRevision dataRevision recordStatus"
            " subjectId subjectOid subjectKey siteId formKey intervalId role user"
            " reasonForChange deleted dateCreated"
        )
        self._queries = study["queries"].adder(
            "subjectId subjectOid annotationType annotationId type description recordId variable"
            " subjectKey dateCreated dateModified queryComments"
        )
        self._codings = study["codings"].adder(
            "siteName siteId subjectId subjectKey formId formName formKey revision recordId"
            " variable value codingId code codedBy reason dictionaryName dictionaryVersion"
            " dateCoded"
        )

    def write(self, entry: Entry) -> int:
        """The record, its revisions, its queries and its coding; returns the recordId."""
        rng, owner, form = self.rng, entry.owner, entry.form
        record_id = next(self.record_ids)
        oid = f"REC-{record_id}"
        self._leave_gaps(entry)
        changed = self._query(entry, record_id) if owner.subject_id else None
        status, modified, deleted = self._revise(entry, record_id, oid, changed)
        cell: tuple[str | None, ...] | dict[str, str | None] = tuple(entry.answers)
        if record_id == 400 or (form.key == "AE" and record_id % 997 == 0):
            cell = self._odd(entry, modified)
        self._records(
            entry.interval_id,
            form.id,
            form.key,
            owner.site.id,
            record_id,
            oid,
            "SUBJECT" if owner.subject_id else "SITE",
            status,
            deleted,
            entry.saved,
            modified,
            owner.subject_id,
            owner.oid,
            owner.key,
            entry.visit_id,
            entry.parent,
            self.keywords(entry.saved) if rng.random() < 0.02 else None,
            cell,
        )
        if form.key in _CODED:
            self._code(entry, record_id)
        return record_id

    def _leave_gaps(self, entry: Entry) -> None:
        """A form left half filled: one required question without an answer."""
        places = self.required[entry.form.id]
        if entry.form.key == "SV":  # without its date there would be no visit
            return
        if places and self.rng.random() < entry.owner.site.character.queries * 0.8:
            entry.answers[self.rng.choice(places)] = None if self.rng.random() < 0.7 else ""

    def _odd(self, entry: Entry, modified: int) -> dict[str, str | None]:
        """A record that shows its own dates among the answers, as some forms are set up to."""
        names = (item.shown for item in entry.form.live_items)
        return {
            "dateCreated": moment_text(entry.saved),
            "unvnum": "1",
            **dict(zip(names, entry.answers, strict=True)),
            "dateModified": moment_text(modified),
        }

    def keywords(self, added: int) -> list[dict[str, Any]]:
        """One of the study's keywords, stuck on at that moment."""
        word = self.rng.choice(KEYWORDS)
        when = moment_text(added)
        name = {"keywordName": word.name, "keywordKey": word.key, "keywordId": word.id}
        return [{**name, "dateAdded": when}]

    def _events(self, entry: Entry, whole: bool, changed: int | None) -> list[tuple[int, str]]:
        """What happens to the record after its first entry, up to the end."""
        rng, saved, character = self.rng, entry.saved, entry.owner.site.character
        if entry.erased:
            return [(min(saved + DAY, self.end), "delete")]
        events = [(changed, "change")] if changed else []
        if rng.random() < (character.changes if whole else 0.35):
            events.append((saved + int(rng.expovariate(1 / 18) * DAY) + 600, "change"))
        if whole and entry.owner.subject_id:
            ready = saved + int(rng.uniform(1, 12) * DAY)
            events.append((ready, "ready"))
            if rng.random() < character.checked:
                done = ready + int(rng.uniform(10, 75) * DAY)
                events.append((done, "partly" if rng.random() < 0.1 else "verify"))
        if rng.random() < 0.002 and entry.form.key not in ("REG", "SV", "DM"):
            events.append((saved + DAY, "delete"))
        events = [event for event in events if event[0] <= self.end]
        events.sort()
        return events

    def _revise(
        self, entry: Entry, record_id: int, oid: str, changed: int | None
    ) -> tuple[str, int, bool]:
        owner, site = entry.owner, entry.owner.site
        whole = all(entry.answers[place] for place in self.required[entry.form.id])
        status, when = COMPLETE if whole else INCOMPLETE, entry.saved
        number, data, deleted = 1, 1, False
        who: tuple[str, str] = ("Site Coordinator", site.coordinators[0])
        if not owner.subject_id:
            who = ("Monitor", site.monitor)
        reason: str | None = None
        for moment, event in [(entry.saved, "enter"), *self._events(entry, whole, changed)]:
            if event != "enter":
                status, who, reason, data = self._step(event, status, who, site, data, whole)
                number, when, deleted = number + 1, moment, event == "delete"
            self._revisions(
                next(self.revision_ids),
                record_id,
                oid,
                number,
                data,
                status,
                owner.subject_id,
                owner.oid,
                owner.key,
                site.id,
                entry.form.key,
                entry.interval_id,
                *who,
                reason,
                deleted,
                moment,
            )
            if deleted:
                break
        return status, when, deleted

    def _step(
        self, event: str, status: str, who: tuple[str, str], site: Site, data: int, whole: bool
    ) -> tuple[str, tuple[str, str], str | None, int]:
        coordinator = ("Site Coordinator", site.coordinators[0])
        if event == "change":
            kept = status if status in (COMPLETE, INCOMPLETE) else COMPLETE
            return kept, coordinator, self.rng.choice(_REASONS), data + 1
        if event == "delete":
            return status, coordinator, "Entered in error", data
        status = {"ready": READY, "partly": PARTLY, "verify": VERIFIED}[event]
        return status, (coordinator if event == "ready" else ("Monitor", site.monitor)), None, data

    def _query(self, entry: Entry, record_id: int) -> int | None:
        """Perhaps a query on the record; returns when it led to a change of data, if it did."""
        rng, site = self.rng, entry.owner.site
        if rng.random() >= site.character.queries:
            return None
        checked = rng.random() < 0.4
        opened = entry.saved + (60 if checked else int(rng.uniform(0.5, 25) * DAY))
        if opened > self.end:
            return None
        item = rng.choice(entry.form.live_items)
        kind = "question" if rng.random() < 0.88 else "record"
        what = "System Edit Check" if checked else rng.choice(("Monitor Query", "Data Query"))
        asker = "system" if checked else (site.monitor if what[0] == "M" else self._manager())
        comments, answered = self._dialogue(site, opened, asker)
        self.annotate(entry.owner, kind, what, opened, comments, record_id, item.shown)
        return answered - 30 if answered and rng.random() < 0.5 else None

    def _manager(self) -> str:
        return self.rng.choice(self.staff.managers)

    def subject_query(self, owner: Owner, opened: int) -> None:
        """A query on the subject as a whole."""
        comments, _ = self._dialogue(owner.site, opened, self._manager())
        self.annotate(owner, "subject", "Data Query", opened, comments, None, None)

    def annotate(
        self,
        owner: Owner,
        kind: str,
        what: str,
        opened: int,
        comments: list[dict[str, Any]],
        record_id: int | None,
        variable: str | None,
    ) -> None:
        """The query itself; one in about 150 comes without its comments."""
        number = next(self.query_ids)
        last = max((comment.pop("at") for comment in comments), default=opened)
        self._queries(
            owner.subject_id,
            owner.oid,
            kind,
            number,
            kind if number % 3 else None,
            what,
            record_id,
            variable if kind == "question" else None,
            owner.key,
            opened,
            last,
            None if number % 150 == 75 else comments,
        )

    def _dialogue(
        self, site: Site, opened: int, asker: str
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Asked, answered, closed, perhaps reopened: as far as it got by the end."""
        rng, pace = self.rng, site.character.answer_days
        comments = [_comment(1, "Query Open", asker, rng.choice(_ASKED), opened)]
        at, first_answer = opened, None
        for turn in range(3):
            slow = 8 if rng.random() < 0.05 else 1
            at += int(rng.expovariate(1 / (pace * slow)) * DAY) + 3600
            if at > self.end:
                break
            reply = rng.choice(_ANSWERED)
            user = site.coordinators[0]
            comments.append(_comment(len(comments) + 1, "Site Answered", user, reply, at))
            first_answer = first_answer or at
            at += int(rng.expovariate(1 / 4) * DAY) + 1800
            if at > self.end:
                break
            user = self._manager() if asker == "system" else asker
            again = turn < 2 and rng.random() < 0.07
            if again and rng.random() < 0.5:
                comments.append(_comment(len(comments) + 1, "Query Closed", user, "", at))
                at = min(at + 2 * DAY, self.end)
            word, text = ("Query Reopened", "Still unclear.") if again else ("Query Closed", "")
            comments.append(_comment(len(comments) + 1, word, user, text, at))
            if not again:
                break
        return comments, first_answer

    def _code(self, entry: Entry, record_id: int) -> None:
        rng, form = self.rng, entry.form
        variable, dictionary, version, prefix = _CODED[form.key]
        value = entry.answers[0]
        if not value:
            return
        when = entry.saved + int(rng.uniform(0.5, 16) * DAY)
        coded = when <= self.end and rng.random() < 0.93
        again = coded and rng.random() < 0.04
        code = f"{prefix}{10000 + sum(map(ord, value)) * 7 % 90000}" if coded else None
        site = entry.owner.site
        self._codings(
            site.name,
            site.id,
            entry.owner.subject_id,
            entry.owner.key,
            form.id,
            form.name,
            form.key,
            2 if again else 1,
            record_id,
            variable,
            value,
            next(self.coding_ids),
            code,
            self.staff.coder if coded else None,
            "Recoded after review" if again else None,
            dictionary,
            version,
            when if coded else None,
        )


_CODED = {
    "AE": ("AETERM", "MedDRA", "27.1", "M"),
    "CM": ("CMTRT", "WHODrug", "2024-09", "W"),
}


def _comment(number: int, status: str, user: str, text: str, at: int) -> dict[str, Any]:
    return {
        "sequence": number,
        "annotationStatus": status,
        "user": user,
        "comment": text,
        "closed": status == "Query Closed",
        "date": moment_text(at),
        "at": at,
    }


def lag_seconds(site: Site, rng: Random) -> int:
    """From a visit to its entry: log-normal, the site's habit its median."""
    return int(rng.lognormvariate(log(site.character.lag), 0.65) * DAY)
