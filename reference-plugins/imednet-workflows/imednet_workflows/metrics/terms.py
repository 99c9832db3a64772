"""What a study's own words mean.

A study names the states of its subjects, sites, records and queries itself.
`StudyConfiguration.statuses` says which words mean what, by the keys below; a key
that is missing or has an empty list keeps its default words. Words are compared
without regard to case, and a blank, `_` and `-` are the same (ENROLLMENT_OPEN is
"Enrollment Open").

Subjects (`subject_status`):
    screening, screen_failure, enrolled, completed, discontinued
Sites (`site_enrollment_status`):
    site_open, site_closed, site_not_active
Records (`record_status`):
    incomplete, complete, ready_for_sdv, partly_verified, verified
Queries (`annotation_status` of the last comment):
    awaiting_site, awaiting_data_management, query_closed

A word that is under no key counts as nothing: such a subject is active, such a
record is not complete, such a site is not open. `unknown_words` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.tools import Column

__all__ = ["DEFAULT_WORDS", "Terms", "terms", "unknown_words"]

_SUBJECT = {
    "screening": ("Screening", "Screened", "In Screening", "Registered", "Consented"),
    "screen_failure": ("Screen Failure", "Screen Failed", "Screen Fail", "SCRNFAIL"),
    "enrolled": ("Enrolled", "Randomized", "Randomised", "Active", "On Treatment"),
    "completed": ("Completed", "Complete", "Study Completed"),
    "discontinued": (
        "Withdrawn",
        "Discontinued",
        "Early Termination",
        "Early Terminated",
        "Lost To Follow Up",
        "Adverse Event",
        "Death",
        "Died",
        "Lack Of Efficacy",
        "Physician Decision",
        "Protocol Violation",
        "Protocol Deviation",
        "Study Terminated By Sponsor",
        "Sponsor Decision",
        "Withdrawal By Subject",
    ),
}
_SITE = {
    "site_open": ("Enrollment Open", "Open", "Active", "Enrolling", "Activated"),
    "site_closed": ("Enrollment Closed", "Closed", "On Hold", "Suspended", "Terminated"),
    "site_not_active": ("Not Yet Active", "Not Active", "Inactive", "Pending"),
}
_RECORD = {
    "incomplete": ("Record Incomplete", "Incomplete"),
    "complete": ("Record Complete", "Complete"),
    "ready_for_sdv": ("Ready For SDV",),
    "partly_verified": ("Partially Verified", "Partly Verified"),
    "verified": ("Verified", "Fully Verified"),
}
_QUERY = {
    "awaiting_site": ("Query Open", "Query Opened", "Query Reopened", "Open", "Reopened", "New"),
    "awaiting_data_management": (
        "Site Answered",
        "Query Answered",
        "Query Responded",
        "Answered",
        "Responded",
        "Resolved",
    ),
    "query_closed": ("Query Closed", "Closed"),
}

#: The words that hold where a study's configuration gives none.
DEFAULT_WORDS: dict[str, tuple[str, ...]] = {**_SUBJECT, **_SITE, **_RECORD, **_QUERY}


def _plain(word: str) -> str:
    return re.sub(r"[\s_\-]+", " ", word).strip().casefold()


@dataclass(frozen=True, slots=True)
class Terms:
    """A study's words, by what they mean; made by `terms`."""

    words: Mapping[str, frozenset[str]]

    def mean(self, column: Column, *keys: str) -> Column:
        """Return where the column has a word of one of these keys (False where it is NA).

        Example:
            >>> status = pd.Series(["ENROLLED", "Screen_Failure", None], dtype="string")
            >>> terms(None).mean(status, "enrolled").tolist()
            [True, False, False]
        """
        wanted = frozenset[str]().union(*(self.words[key] for key in keys))
        met = [word for word in column.dropna().unique() if _plain(str(word)) in wanted]
        return column.isin(met).astype(bool)


def terms(config: StudyConfiguration | None = None) -> Terms:
    """Return the words of a study's configuration, with the defaults for what it leaves open.

    Raises ValueError for a key of `statuses` that is not known here: a misspelt
    key would otherwise be ignored in silence.

    Example:
        >>> config = StudyConfiguration(statuses={"enrolled": ["Dosed"]})
        >>> sorted(terms(config).words["enrolled"]), sorted(terms(config).words["verified"])
        (['dosed'], ['fully verified', 'verified'])
    """
    given = config.statuses if config is not None else {}
    for key in given:
        if key not in DEFAULT_WORDS:
            raise ValueError(
                f"statuses: {key!r} is not a known key; use one of {', '.join(DEFAULT_WORDS)}"
            )
    chosen = {key: given.get(key) or words for key, words in DEFAULT_WORDS.items()}
    return Terms({key: frozenset(map(_plain, words)) for key, words in chosen.items()})


def unknown_words(frames: StudyFrames, config: StudyConfiguration | None = None) -> pd.DataFrame:
    """Return the words in the data that no key of `statuses` covers.

    Columns: `column` (where it is), `word`, `rows` (how many have it).

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> unknown_words(example_study()).empty
        True
    """
    known = terms(config)
    places = (
        (frames.subjects, "subject_status", _SUBJECT),
        (frames.sites, "site_enrollment_status", _SITE),
        (frames.records, "record_status", _RECORD),
        (frames.comments, "annotation_status", _QUERY),
    )
    rows = [
        (column, str(word), int(number))
        for frame, column, keys in places
        for word, number in frame.loc[~known.mean(frame[column], *keys), column]
        .value_counts()
        .items()
    ]
    found = pd.DataFrame(rows, columns=["column", "word", "rows"])
    return found.astype({"column": "string", "word": "string", "rows": "Int64"})
