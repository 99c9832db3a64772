"""The API's rows as dataclasses, one class a resource, and the study configuration.

Every field may be None: the API may send null or leave it out. Timestamps are
aware datetimes in UTC, visit dates are dates, unknown fields stand in `extra`.

Example:
    >>> from imednet.models import Site
    >>> site = Site.from_dict({"siteId": 3, "siteName": "Northfield", "newField": 1})
    >>> site.site_id, site.site_name, site.date_created, site.extra
    (3, 'Northfield', None, {'newField': 1})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet.models.decoding import Column, Model, columns
    from imednet.models.edc import (
        Coding,
        Form,
        Interval,
        IntervalForm,
        Job,
        Keyword,
        Query,
        QueryComment,
        Record,
        RecordRevision,
        Role,
        Site,
        Study,
        Subject,
        User,
        Variable,
        Visit,
    )
    from imednet.models.study_config import (
        KriConfig,
        MappingRule,
        SiteTarget,
        StudyConfiguration,
        WidgetConfig,
    )

_HOMES = {
    "Column": "decoding",
    "KriConfig": "study_config",
    "MappingRule": "study_config",
    "SiteTarget": "study_config",
    "StudyConfiguration": "study_config",
    "WidgetConfig": "study_config",
    "columns": "decoding",
}
__all__ = [
    "Coding",
    "Column",
    "Form",
    "Interval",
    "IntervalForm",
    "Job",
    "Keyword",
    "KriConfig",
    "MappingRule",
    "Model",
    "Query",
    "QueryComment",
    "Record",
    "RecordRevision",
    "Role",
    "Site",
    "SiteTarget",
    "Study",
    "StudyConfiguration",
    "Subject",
    "User",
    "Variable",
    "Visit",
    "WidgetConfig",
    "columns",
]


def __getattr__(name: str) -> Any:
    """Load the module a model stands in on first use: a cold start pays for what it reads."""
    if name not in __all__:
        raise AttributeError(f"module 'imednet.models' has no attribute {name!r}")
    home = _HOMES.get(name, "edc")
    value = getattr(import_module(f"imednet.models.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
