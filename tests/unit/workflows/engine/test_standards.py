"""The profiles: what they ask for, and that they are sound data."""

from __future__ import annotations

import pytest

from imednet.errors import ConfigurationError
from imednet_workflows.standards import PROFILES, Profile, profile_named, table_name


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("general", ["adverse_events", "protocol_deviations", "subject_level"]),
        ("drug", ["adverse_events", "protocol_deviations", "subject_level"]),
        (
            "device",
            ["adverse_events", "protocol_deviations", "device_deficiencies", "subject_level"],
        ),
    ],
)
def test_a_profile_has_its_tables(name: str, tables: list[str]) -> None:
    profile = profile_named(name)
    assert [table.name for table in profile.tables] == tables
    assert profile.table("labs") is None
    assert profile.tables[0].field("mood") is None


def levels(profile: str, table: str) -> dict[str, str]:
    found = profile_named(profile).table(table)
    assert found is not None
    return {field.name: field.level for field in found.fields}


def test_profiles_differ_where_they_should() -> None:
    assert levels("general", "adverse_events")["related"] == "recommended"
    assert levels("drug", "adverse_events")["related"] == "required"
    assert levels("drug", "adverse_events")["action_taken"] == "recommended"
    assert levels("drug", "subject_level")["first_treatment_date"] == "required"
    assert levels("device", "adverse_events")["related_to_device"] == "required"
    assert levels("device", "adverse_events")["related"] == "optional"
    assert levels("device", "device_deficiencies")["could_cause_serious_event"] == "required"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_fields_are_sound(profile: Profile) -> None:
    for table in profile.tables:
        names = [field.name for field in table.fields]
        assert len(names) == len(set(names))
        assert [table.name for table in profile.tables if table.by_subject] == ["subject_level"]
        for field in table.fields:
            assert field.kind in ("text", "integer", "number", "date")
            assert field.level in ("required", "recommended", "optional")
            assert not field.allowed or field.kind == "text"
            for word in (*field.names, *field.words, *table.form_words):
                assert word == word.casefold()


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        profile_named("sponsor")
    assert str(caught.value) == (
        "reportingProfile: 'sponsor' is not known: give one of device, drug, general"
    )


@pytest.mark.parametrize(
    ("domain", "table"),
    [
        ("AE", "adverse_events"),
        (" Adverse_Events ", "adverse_events"),
        ("DV", "protocol_deviations"),
        ("DD", "device_deficiencies"),
        ("ADSL", "subject_level"),
        ("Labs", "labs"),
        ("", ""),
    ],
    ids=["key", "name", "dv", "dd", "adsl", "own", "none"],
)
def test_domains_have_other_names(domain: str, table: str) -> None:
    assert table_name(domain) == table
