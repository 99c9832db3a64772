"""The study configuration: camelCase, defaults, and refusals that lead to the fault."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import Any

import pytest

from imednet.errors import ConfigurationError
from imednet.models import (
    KriConfig,
    MappingRule,
    SiteTarget,
    StudyConfiguration,
    WidgetConfig,
)

FULL: dict[str, Any] = {
    "version": 3,
    "studyKey": "DEMO",
    "reportingProfile": "sponsor",
    "mappings": [
        {
            "domain": "AE",
            "targetField": "term",
            "sourceFormKey": "AE",
            "sourceVariableName": "AETERM",
            "fallbackValue": "none",
            "businessLogic": "value.upperAscii()",
            "isBaseline": True,
        }
    ],
    "terminologyLookups": {"sex": {"1": "M"}},
    "widgets": [
        {
            "widgetId": "w1",
            "type": "bar",
            "title": "Events",
            "domain": "AE",
            "xAxis": "site",
            "yAxis": "count",
            "layoutCols": 6,
        }
    ],
    "phiFields": ["DOB"],
    "allowBlinded": True,
    "statuses": {"enrolled": ["Enrolled"]},
    "targets": {"Northfield": {"planned": 20, "activated": "2024-05-01", "closed": None}},
    "kri": {
        "formKeys": {"ae": ["AE"]},
        "thresholds": {"ae": [1.0, 2.0]},
        "weights": {"ae": [0.0, 1.0, 2.0]},
    },
}


def test_every_key_is_read() -> None:
    config = StudyConfiguration.from_dict(FULL)
    assert config == StudyConfiguration(
        version=3,
        study_key="DEMO",
        reporting_profile="sponsor",
        mappings=[
            MappingRule(
                domain="AE",
                target_field="term",
                source_form_key="AE",
                source_variable_name="AETERM",
                fallback_value="none",
                business_logic="value.upperAscii()",
                is_baseline=True,
            )
        ],
        terminology_lookups={"sex": {"1": "M"}},
        widgets=[
            WidgetConfig(
                widget_id="w1",
                type="bar",
                title="Events",
                domain="AE",
                x_axis="site",
                y_axis="count",
                layout_cols=6,
            )
        ],
        phi_fields=["DOB"],
        allow_blinded=True,
        statuses={"enrolled": ["Enrolled"]},
        targets={"Northfield": SiteTarget(planned=20, activated=date(2024, 5, 1))},
        kri=KriConfig(
            form_keys={"ae": ["AE"]}, thresholds={"ae": [1, 2]}, weights={"ae": [0, 1, 2]}
        ),
    )


@pytest.mark.parametrize(
    "keep",
    [
        lambda c: StudyConfiguration.from_dict(c.to_dict()),
        lambda c: StudyConfiguration.from_json(c.to_json()),
        lambda c: pickle.loads(pickle.dumps(c)),
    ],
    ids=["dict", "json", "pickle"],
)
def test_it_survives(keep: Any) -> None:
    config = StudyConfiguration.from_dict(FULL)
    assert keep(config) == config


def test_json_is_camel_case_and_whole() -> None:
    assert json.loads(StudyConfiguration.from_dict(FULL).to_json()) == FULL


@pytest.mark.parametrize("sent", [{}, dict.fromkeys(FULL)], ids=["missing", "null"])
def test_what_is_missing_or_null_has_its_default(sent: dict[str, Any]) -> None:
    config = StudyConfiguration.from_dict(sent)
    assert config == StudyConfiguration()
    assert (config.version, config.mappings, config.targets, config.kri) == (
        None,
        [],
        {},
        KriConfig(),
    )


def test_defaults_are_not_shared() -> None:
    one, other = StudyConfiguration.from_dict({}), StudyConfiguration.from_dict({})
    one.phi_fields.append("DOB")
    one.kri.weights["x"] = [1]
    assert (other.phi_fields, other.kri.weights, StudyConfiguration().phi_fields) == ([], {}, [])


def test_null_for_a_flag_is_its_default() -> None:
    assert MappingRule.from_dict({"isBaseline": None}).is_baseline is False


KNOWN = "domain, layoutCols, title, type, widgetId, xAxis, yAxis"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {"studyKye": "DEMO"},
            "StudyConfiguration.studyKye: 'DEMO' is not known: give one of allowBlinded, kri, "
            "mappings, "
            "phiFields, reportingProfile, statuses, studyKey, targets, terminologyLookups, "
            "version, widgets",
        ),
        (
            {"study_key": "DEMO"},
            "StudyConfiguration.study_key: 'DEMO' is not known: give one of allowBlinded, kri, "
            "mappings, "
            "phiFields, reportingProfile, statuses, studyKey, targets, terminologyLookups, "
            "version, widgets",
        ),
        (
            {"widgets": [{}, {"layoutColumns": 3}]},
            f"StudyConfiguration.widgets[1].layoutColumns: 3 is not known: give one of {KNOWN}",
        ),
        (
            {"targets": {"Northfield": {"plan": 3}}},
            "StudyConfiguration.targets['Northfield'].plan: 3 is not known: "
            "give one of activated, closed, planned",
        ),
        ({"version": "x"}, "StudyConfiguration.version: 'x' is not a whole number"),
        (
            {"widgets": [{"layoutCols": "wide"}]},
            "StudyConfiguration.widgets[0].layoutCols: 'wide' is not a whole number",
        ),
        (
            {"statuses": {"enrolled": "Enrolled"}},
            "StudyConfiguration.statuses['enrolled']: 'Enrolled' is not a list",
        ),
        (
            {"statuses": {"enrolled": [None]}},
            "StudyConfiguration.statuses['enrolled'][0]: None is not a value",
        ),
        (
            {"kri": {"weights": {"ae": [1, "much"]}}},
            "StudyConfiguration.kri.weights['ae'][1]: 'much' is not a number",
        ),
        (
            {"targets": {"Northfield": {"closed": "never"}}},
            "StudyConfiguration.targets['Northfield'].closed: 'never' is not a date",
        ),
        ({"mappings": {}}, "StudyConfiguration.mappings: {} is not a list"),
        ({"phiFields": "DOB"}, "StudyConfiguration.phiFields: 'DOB' is not a list"),
    ],
    ids=lambda v: v[:60] if isinstance(v, str) else "",
)
def test_a_fault_is_named_by_its_path(sent: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        StudyConfiguration.from_dict(sent)
    assert str(caught.value) == said


@pytest.mark.parametrize("sent", ["[]", "5", "null"])
def test_what_is_no_object_is_refused(sent: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^StudyConfiguration: .* is not an object$"):
        StudyConfiguration.from_json(sent)


@pytest.mark.parametrize(
    "cls", [StudyConfiguration, MappingRule, WidgetConfig, SiteTarget, KriConfig]
)
def test_a_misspelt_attribute_is_an_error(cls: Any) -> None:
    with pytest.raises(AttributeError):
        cls().no_such = 1
    with pytest.raises(TypeError, match="no_such"):
        cls(no_such=1)
    assert "extra" not in cls.names()
