"""What a study's words mean: the configuration that metrics, tables and dashboards read.

It is data, never code: kept as JSON with camelCase keys, and refused with the
key's name when it holds one that is not known, so that a misspelt key cannot be
ignored in silence.

Example:
    >>> from imednet.models import StudyConfiguration
    >>> config = StudyConfiguration.from_json('''{
    ...     "version": 1, "studyKey": "DEMO", "statuses": {"enrolled": ["Enrolled"]},
    ...     "targets": {"Northfield": {"planned": 20}}}''')
    >>> config.statuses["enrolled"], config.targets["Northfield"].planned
    (['Enrolled'], 20)
    >>> StudyConfiguration.from_json('{"studyKye": "DEMO"}')
    Traceback (most recent call last):
    imednet.errors.ConfigurationError: StudyConfiguration.studyKye: 'DEMO' is not known: ...
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Any, Self

from imednet.errors import ConfigurationError
from imednet.models.decoding import Model, model, read
from imednet.models.values import Unreadable

__all__ = ["KriConfig", "MappingRule", "SiteTarget", "StudyConfiguration", "WidgetConfig"]


class Configuration(Model):
    """The base of the classes here: unknown keys are refused, null means the default."""

    __slots__ = ()
    refuse_unknown = True

    @classmethod
    def from_dict(cls, data: dict[str, Any], *, infer_missing: bool = False) -> Self:
        """Make it from camelCase keys; what is missing or null has its default.

        Raises ConfigurationError that leads to the key or value at fault
        (`StudyConfiguration.widgets[2].layoutCols`).
        """
        try:
            return read(cls, data)
        except Unreadable as error:
            raise ConfigurationError(str(error.under(cls.__name__))) from None

    @classmethod
    def from_json(cls, text: str | bytes, **options: Any) -> Self:
        """Make it from JSON text; ConfigurationError also for text that is no JSON."""
        try:
            return super().from_json(text, **options)
        except ConfigurationError:
            raise
        except ValueError as error:
            raise ConfigurationError(f"{cls.__name__}: this is no JSON: {error}") from None


@model
class MappingRule(Configuration):
    """How one field of a canonical table is filled.

    `domain` is the table, `target_field` its column; the value is the answer to
    `source_variable_name` on `source_form_key`, passed through `business_logic`
    (a CEL expression, None for none), or `fallback_value` where there is no
    answer. `is_baseline` marks a value taken once a subject.
    """

    domain: str | None = None
    target_field: str | None = None
    source_form_key: str | None = None
    source_variable_name: str | None = None
    fallback_value: str | None = None
    business_logic: str | None = None
    is_baseline: bool = False


@model
class WidgetConfig(Configuration):
    """A chart or table of the study report, drawn from one canonical table (`domain`).

    `layout_cols` is its width in columns of the page's grid, None for all.
    """

    widget_id: str | None = None
    type: str | None = None
    title: str | None = None
    domain: str | None = None
    x_axis: str | None = None
    y_axis: str | None = None
    layout_cols: int | None = None


@model
class SiteTarget(Configuration):
    """What a site is meant to enrol, and when it was opened and closed (None: not known)."""

    planned: int | None = None
    activated: date | None = None
    closed: date | None = None


@model
class KriConfig(Configuration):
    """Settings of the key risk indicators, each by the indicator's name.

    `form_keys`: the forms counted; `thresholds`: the cuts of the score, rising;
    `weights`: the weight of each flag from lowest to highest, one more than cuts.
    """

    form_keys: dict[str, list[str]] = field(default_factory=dict)
    thresholds: dict[str, list[float]] = field(default_factory=dict)
    weights: dict[str, list[float]] = field(default_factory=dict)


@model
class StudyConfiguration(Configuration):
    """One version of a study's configuration.

    `statuses` says which of the study's own words mean what ("enrolled",
    "screen_failure", "complete" ...: lists of words, compared without case).
    `targets` is by site name. `terminology_lookups` maps raw to standard values
    by list name. `phi_fields` names the variables to mask. `allow_blinded` lets
    blinded variables be used and shown; without it they come nowhere. An empty
    dict or list means that the reader's defaults hold.
    """

    version: int | None = None
    study_key: str | None = None
    reporting_profile: str | None = None
    mappings: list[MappingRule] = field(default_factory=list)
    terminology_lookups: dict[str, dict[str, str]] = field(default_factory=dict)
    widgets: list[WidgetConfig] = field(default_factory=list)
    phi_fields: list[str] = field(default_factory=list)
    allow_blinded: bool = False
    statuses: dict[str, list[str]] = field(default_factory=dict)
    targets: dict[str, SiteTarget] = field(default_factory=dict)
    kri: KriConfig = field(default_factory=KriConfig)
