"""What a canonical table should hold: the profiles general, drug and device, as data.

Fields follow CDISC SDTM in meaning and MDR / ISO 14155 where a device is concerned, with
names in plain words. They are a starting point for review, not a validated standard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from imednet.errors import ConfigurationError

__all__ = [
    "ALLOWED",
    "OPTIONAL",
    "PROFILES",
    "RECOMMENDED",
    "REQUIRED",
    "Field",
    "Profile",
    "Table",
    "profile_named",
    "table_name",
]

#: How much a field matters, and the check of its values.
REQUIRED, RECOMMENDED, OPTIONAL, ALLOWED = "required", "recommended", "optional", "allowed"

YES_NO = ("Y", "N")
SEVERITY = ("MILD", "MODERATE", "SEVERE")
OUTCOME = (
    "RECOVERED",
    "RECOVERED WITH SEQUELAE",
    "RECOVERING",
    "NOT RECOVERED",
    "FATAL",
    "UNKNOWN",
)
ACTION = ("NONE", "DOSE REDUCED", "DRUG INTERRUPTED", "DRUG WITHDRAWN", "NOT APPLICABLE", "UNKNOWN")


@dataclass(frozen=True)
class Field:
    """One column: `kind` is text, integer, number or date (ISO 8601 text, may be partial).

    `level` is required, recommended or optional; `allowed` the only values (compared as
    they stand), empty for any. `names` and `words` are what variables that fill it are
    usually called, and what their labels say, both in lower case.
    """

    name: str
    kind: str = "text"
    level: str = OPTIONAL
    allowed: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table; `aliases` are other names a rule's `domain` may give it by.

    `form_words` are found in the keys and names of the forms that fill it. `by_subject`
    marks the table with one row a subject; others have one row a record.
    """

    name: str
    aliases: tuple[str, ...]
    form_words: tuple[str, ...]
    fields: tuple[Field, ...]
    by_subject: bool = False

    def field(self, name: str) -> Field | None:
        """Return the field of that name, None for a field of the study's own."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Profile:
    """The tables that a kind of study should have."""

    name: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """Return the table of that canonical name, None for one of the study's own."""
        return next((table for table in self.tables if table.name == name), None)


_EVENTS = Table(
    "adverse_events",
    ("ae", "adae", "adverse_event"),
    ("ae", "adverse", "event"),
    (
        Field("term", level=REQUIRED, names=("aeterm", "term"), words=("term", "event")),
        Field(
            "start_date",
            "date",
            REQUIRED,
            names=("aestdat", "aestdtc", "start"),
            words=("start", "onset"),
        ),
        Field(
            "serious", level=REQUIRED, allowed=YES_NO, names=("aeser", "sae"), words=("serious",)
        ),
        Field("severity", level=REQUIRED, allowed=SEVERITY, names=("aesev",), words=("severity",)),
        Field(
            "related",
            level=RECOMMENDED,
            allowed=YES_NO,
            names=("aerel",),
            words=("related", "relationship", "causality"),
        ),
        Field("outcome", level=RECOMMENDED, allowed=OUTCOME, names=("aeout",), words=("outcome",)),
        Field(
            "end_date",
            "date",
            RECOMMENDED,
            names=("aeendat", "aeendtc"),
            words=("end date", "resolved", "resolution"),
        ),
        Field(
            "action_taken",
            names=("aeacn", "aeaction"),
            words=("action taken", "action"),
        ),
        Field("description", names=("aedesc",), words=("narrative", "description")),
    ),
)
_DEVIATIONS = Table(
    "protocol_deviations",
    ("dv", "addv", "pd", "protocol_deviation"),
    ("dv", "pd", "deviation"),
    (
        Field("term", level=REQUIRED, names=("dvterm",), words=("description", "deviation")),
        Field("date", "date", REQUIRED, names=("dvdat", "dvstdat"), words=("date",)),
        Field("category", level=RECOMMENDED, names=("dvcat", "dvdecod"), words=("category",)),
        Field(
            "severity",
            level=RECOMMENDED,
            allowed=("MINOR", "MAJOR", "CRITICAL"),
            names=("dvsev", "dvclass"),
            words=("importance", "severity", "classification"),
        ),
        Field("action_taken", names=("dvact",), words=("corrective", "action")),
    ),
)
_DEFICIENCIES = Table(
    "device_deficiencies",
    ("dd", "device_deficiency"),
    ("dd", "deficiency", "deficiencies", "malfunction"),
    (
        Field("category", level=REQUIRED, names=("ddcat",), words=("kind", "category", "type")),
        Field("date", "date", REQUIRED, names=("dddtm", "dddat"), words=("date", "noticed")),
        Field(
            "could_cause_serious_event",
            level=REQUIRED,
            allowed=YES_NO,
            names=("ddsade",),
            words=("could have led", "serious"),
        ),
        Field(
            "serial_number",
            level=RECOMMENDED,
            names=("ddserial", "serial", "lotno"),
            words=("serial", "lot"),
        ),
        Field("description", level=RECOMMENDED, names=("dddesc",), words=("description",)),
    ),
)
_SUBJECTS = Table(
    "subject_level",
    ("adsl", "sl", "dm", "subject", "subjects"),
    ("dm", "demographics", "reg", "registration", "enrolment", "end of study", "eos"),
    (
        Field(
            "informed_consent_date",
            "date",
            REQUIRED,
            names=("rficdat", "icdat", "rficdtc"),
            words=("consent",),
        ),
        Field("sex", level=REQUIRED, allowed=("M", "F", "U"), names=("sex",), words=("sex",)),
        Field("age", "integer", REQUIRED, names=("age",), words=("age",)),
        Field("birth_date", "date", names=("brthdat", "dob"), words=("birth",)),
        Field("race", level=RECOMMENDED, names=("race",), words=("race",)),
        Field("ethnicity", level=RECOMMENDED, names=("ethnic",), words=("ethnicity",)),
        Field(
            "first_treatment_date",
            "date",
            RECOMMENDED,
            names=("exstdat", "trtsdt", "rfxstdtc"),
            words=("first dose", "first treatment", "implant"),
        ),
        Field("weight", "number", names=("weight",), words=("weight",)),
        Field("height", "number", names=("height",), words=("height",)),
        Field(
            "end_date",
            "date",
            RECOMMENDED,
            names=("dsdat", "eosdat", "rfendtc"),
            words=("date of completion", "withdrawal"),
        ),
        Field(
            "end_reason",
            level=RECOMMENDED,
            names=("dsreas", "dsdecod"),
            words=("reason",),
        ),
    ),
    by_subject=True,
)


def _with(table: Table, **changes: Field) -> Table:
    """Return the table with some fields replaced; one of a new name comes last."""
    kept = [changes.pop(field.name, field) for field in table.fields]
    return replace(table, fields=(*kept, *changes.values()))


def _drug_events() -> Table:
    action = Field(
        "action_taken",
        level=RECOMMENDED,
        allowed=ACTION,
        names=("aeacn",),
        words=("action taken",),
    )
    related = replace(_EVENTS.field("related") or Field("related"), level=REQUIRED)
    return _with(_EVENTS, action_taken=action, related=related)


def _device_events() -> Table:
    device = Field(
        "related_to_device",
        level=REQUIRED,
        allowed=YES_NO,
        names=("aereldev", "aerel"),
        words=("related to device", "device"),
    )
    procedure = Field(
        "related_to_procedure",
        level=RECOMMENDED,
        allowed=YES_NO,
        names=("aerelprc", "aerelproc"),
        words=("related to procedure", "procedure"),
    )
    related = replace(_EVENTS.field("related") or Field("related"), level=OPTIONAL)
    return _with(_EVENTS, related=related, related_to_device=device, related_to_procedure=procedure)


def _drug_subjects() -> Table:
    first = _SUBJECTS.field("first_treatment_date") or Field("first_treatment_date", "date")
    return _with(_SUBJECTS, first_treatment_date=replace(first, level=REQUIRED))


#: The profiles by name. Only the device profile asks for device deficiencies.
PROFILES: dict[str, Profile] = {
    "general": Profile("general", (_EVENTS, _DEVIATIONS, _SUBJECTS)),
    "drug": Profile("drug", (_drug_events(), _DEVIATIONS, _drug_subjects())),
    "device": Profile("device", (_device_events(), _DEVIATIONS, _DEFICIENCIES, _SUBJECTS)),
}

_ALIASES = {
    alias: table.name
    for table in (_EVENTS, _DEVIATIONS, _DEFICIENCIES, _SUBJECTS)
    for alias in (table.name, *table.aliases)
}


def profile_named(name: str | None) -> Profile:
    """Return a profile by name, in any case; general for None. ConfigurationError if unknown.

    >>> profile_named("Device").name, [t.name for t in profile_named(None).tables][0]
    ('device', 'adverse_events')
    """
    found = PROFILES.get((name or "general").casefold())
    if found is None:
        known = ", ".join(sorted(PROFILES))
        raise ConfigurationError(f"reportingProfile: {name!r} is not known: give one of {known}")
    return found


def table_name(domain: str) -> str:
    """Return the canonical table that a rule's `domain` means; other names stay, in lower case.

    >>> table_name("AE"), table_name("ADSL"), table_name("Labs")
    ('adverse_events', 'subject_level', 'labs')
    """
    plain = domain.strip().casefold()
    return _ALIASES.get(plain, plain)
