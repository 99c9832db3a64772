"""The Setup Wizard: from a study without a configuration to a saved version."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.models import MappingRule, StudyConfiguration, Variable, WidgetConfig
from imednet_streamlit.drafts import DRAFT, Draft
from imednet_streamlit.sections.setup import fields, study, terms, widgets
from imednet_workflows.config_store import ConfigStore

STEPS = ["Study", "Forms", "Fields", "Terms", "Widgets", "Check and save"]


def step(dashboard: Any, name: str) -> Any:
    dashboard.at.radio(key="_setup_step").set_value(name).run()
    assert not dashboard.at.exception
    return dashboard


def draft_of(dashboard: Any) -> Draft:
    draft: Draft = dashboard.state[DRAFT]
    return draft


def click(dashboard: Any, label: str) -> Any:
    button = next(b for b in dashboard.at.button if b.label.startswith(label))
    assert not button.disabled, label
    button.click().run()
    assert not dashboard.at.exception
    return dashboard


def pick(dashboard: Any, ending: str, value: Any) -> Any:
    box = next(b for b in dashboard.at.selectbox if str(b.key).endswith(ending))
    box.set_value(value).run()
    assert not dashboard.at.exception
    return dashboard


@pytest.fixture
def wizard(dashboard: Any, ordinary: Any) -> Any:
    return dashboard.connect(ordinary).open("setup_wizard.py")


def test_from_nothing_to_a_saved_version(wizard: Any) -> None:
    click(wizard, "Protect these")
    assert draft_of(wizard).config.phi_fields == ["DM.BRTHDAT"]

    step(wizard, "Forms")
    assert "Adverse Event" in wizard.text

    click(step(wizard, "Fields"), "Take the")
    rule = draft_of(wizard).rule("adverse_events", "serious")
    assert rule == MappingRule("adverse_events", "serious", "AE", "AESER")

    pick(step(wizard, "Terms"), "term_field", "adverse_events.serious")
    click(wizard, "Take the")
    words = draft_of(wizard).config.terminology_lookups["adverse_events.serious"]
    assert words == {"No": "N", "Yes": "Y"}

    step(wizard, "Widgets")
    wizard.at.text_input(key=next(t.key for t in wizard.at.text_input if t.label == "Title"))
    title = next(t for t in wizard.at.text_input if t.label == "Title")
    title.set_value("Events by severity").run()
    pick(wizard, "widget__x_bar_adverse_events", "severity")
    assert wizard.frame("Severity", "Rows")["Rows"].sum() > 0
    click(wizard, "Add it")
    assert draft_of(wizard).config.widgets == [
        WidgetConfig(
            "events_by_severity",
            "bar",
            "Events by severity",
            "adverse_events",
            "severity",
            "rows",
            6,
        )
    ]

    step(wizard, "Check and save")
    name = next(t for t in wizard.at.text_input if t.label == "Your name")
    name.set_value("R. Lind").run()
    click(wizard, "Save as version 1")
    assert "Saved as version 1" in wizard.said("success")
    kept = ConfigStore().get("DEMO", 1)
    assert kept.terminology_lookups["adverse_events.serious"] == {"No": "N", "Yes": "Y"}
    assert kept.phi_fields == ["DM.BRTHDAT"]
    assert ConfigStore().history("DEMO")[0].who == "R. Lind"
    assert ConfigStore().published("DEMO") is None
    assert not draft_of(wizard).changed


def test_leaving_and_returning_loses_no_step(wizard: Any) -> None:
    step(wizard, "Fields")
    pick(wizard, "source_adverse_events_term", "AE.AETERM")
    wizard.open("home.py")
    wizard.open("setup_wizard.py")
    assert wizard.at.radio(key="_setup_step").value == "Fields"
    box = next(b for b in wizard.at.selectbox if b.key.endswith("source_adverse_events_term"))
    assert box.value == "AE.AETERM"
    assert draft_of(wizard).changed


def test_a_draft_and_a_name_end_with_their_connection(wizard: Any, own: Any) -> None:
    pick(step(wizard, "Fields"), "source_adverse_events_term", "AE.AETERM")
    step(wizard, "Check and save")
    next(t for t in wizard.at.text_input if t.label == "Your name").set_value("R. Lind").run()
    wizard.open("publisher_wizard.py").open("setup_wizard.py")
    assert wizard.state["_imednet_name"] == "R. Lind"
    wizard.at.sidebar.button[0].click().run()
    assert DRAFT not in wizard.state
    assert "R. Lind" not in wizard.state.values()
    wizard.connect(own).open("setup_wizard.py")
    assert not draft_of(wizard).changed


def test_every_step_of_an_empty_study(dashboard: Any, own: Any) -> None:
    for name in ("forms", "variables", "records", "subjects", "visits"):
        own.study[name].count = 0
        own.study[name].version += 1
    dashboard.connect(own).open("setup_wizard.py")
    for name in STEPS:
        step(dashboard, name)
        assert not dashboard.at.error, name
    assert "no forms yet" in step(dashboard, "Forms").said("info")
    assert "No field takes its value" in step(dashboard, "Terms").said("info")


def test_protected_answers_are_shown_in_no_step(wizard: Any) -> None:
    draft_of(wizard).config.phi_fields = ["AE.AESER", "DM.BRTHDAT"]
    step(wizard, "Forms")
    pick(wizard, "_form", "AE")
    wizard.at.toggle[0].set_value(True).run()
    table = wizard.frame("Variable", "Most frequent answers").set_index("Variable")
    assert table.loc["AESER", "Most frequent answers"] == ""
    assert "Mild" in table.loc["AESEV", "Most frequent answers"]
    step(wizard, "Fields")
    pick(wizard, "source_adverse_events_serious", "AE.AESER")
    pick(step(wizard, "Terms"), "term_field", "adverse_events.serious")
    assert "This variable is protected" in wizard.said("info")


def test_blinded_variables_appear_only_where_they_are_allowed(wizard: Any) -> None:
    def options() -> list[str]:
        box = next(b for b in wizard.at.selectbox if b.key.endswith("subject_level_race"))
        return [str(option) for option in box.options]

    pick(step(wizard, "Fields"), "_table", "subject_level")
    assert not any("DM.ARM" in option for option in options())
    step(wizard, "Study")
    wizard.at.checkbox[0].check().run()
    assert "everyone who opens the dashboard sees blinded answers" in wizard.said("warning")
    pick(step(wizard, "Fields"), "_table", "subject_level")
    assert any("DM.ARM" in option for option in options())


def test_an_expression_that_does_not_work_is_said_at_once(wizard: Any) -> None:
    step(wizard, "Fields")
    pick(wizard, "source_adverse_events_term", "AE.AETERM")
    box = next(t for t in wizard.at.text_input if t.key.endswith("logic_adverse_events_term"))
    box.set_value("value +").run()
    assert "The expression does not work" in wizard.said("error")
    assert draft_of(wizard).rule("adverse_events", "term").business_logic == "value +"


def test_a_variable_protected_by_its_field_is_shown_in_no_step(wizard: Any) -> None:
    draft = draft_of(wizard)
    draft.config.mappings = [MappingRule("adverse_events", "severity", "AE", "AESEV")]
    draft.config.phi_fields = ["adverse_events.severity"]
    pick(step(wizard, "Forms"), "_form", "AE")
    table = wizard.frame("Variable", "Most frequent answers").set_index("Variable")
    assert table.loc["AESEV", "Most frequent answers"] == ""
    pick(step(wizard, "Terms"), "term_field", "adverse_events.severity")
    assert "This variable is protected" in wizard.said("info")


def test_taking_the_first_of_two_rules_away_leaves_the_other_as_it_is(wizard: Any) -> None:
    first = MappingRule("adverse_events", "term", "AE", "AETERM", "FIRST", None, True)
    other = MappingRule("adverse_events", "term", "AE", "AESEV", "OTHER")
    draft_of(wizard).config.mappings = [first, other]
    step(wizard, "Fields")
    draft_of(wizard).fill("adverse_events", "term", None)
    for _ in range(2):
        wizard.at.run()
        assert draft_of(wizard).config.mappings == [
            MappingRule("adverse_events", "term", "AE", "AESEV", "OTHER")
        ]
    box = next(b for b in wizard.at.selectbox if b.key.endswith("source_adverse_events_term"))
    assert box.value == "AE.AESEV"


def test_what_is_typed_counts_though_another_button_is_pressed_at_once(wizard: Any) -> None:
    wizard.at.multiselect[0].select("DM.SEX")
    click(wizard, "Next")
    assert draft_of(wizard).config.phi_fields == ["DM.SEX"]

    draft_of(wizard).config.mappings = [MappingRule("adverse_events", "term", "AE", "AETERM")]
    step(wizard, "Fields")
    text = next(t for t in wizard.at.text_input if t.key.endswith("fallback_adverse_events_term"))
    text.set_value("none given")
    click(wizard, "Next")
    assert draft_of(wizard).rule("adverse_events", "term").fallback_value == "none given"


def test_values_that_differ_in_case_have_one_word(wizard: Any) -> None:
    draft = draft_of(wizard)
    draft.config.mappings = [MappingRule("subject_level", "sex", "DM", "SEX")]
    draft.config.terminology_lookups = {"subject_level.sex": {"female": "F"}}
    step(wizard, "Terms")
    box = next(b for b in wizard.at.selectbox if b.label.startswith("Female"))
    assert box.value == "F"
    box.set_value("U").run()
    assert draft_of(wizard).config.terminology_lookups["subject_level.sex"] == {"Female": "U"}


def test_another_title_changes_nothing_else_of_a_widget(wizard: Any) -> None:
    draft = draft_of(wizard)
    draft.config.mappings = [MappingRule("adverse_events", "term", "AE", "AETERM")]
    gone = WidgetConfig("w", "bar", "Old", "adverse_events", "severity", "age", 4)
    draft.config.widgets = [gone]
    pick(step(wizard, "Widgets"), "_widget", "w")
    next(t for t in wizard.at.text_input if t.label == "Title").set_value("New")
    click(wizard, "Change it")
    changed = WidgetConfig("w", "bar", "New", "adverse_events", "severity", "age", 4)
    assert draft_of(wizard).config.widgets == [changed]


def test_a_note_and_a_half_made_widget_stay_while_other_pages_are_shown(wizard: Any) -> None:
    draft_of(wizard).config.mappings = [MappingRule("adverse_events", "term", "AE", "AETERM")]
    step(wizard, "Widgets")
    next(t for t in wizard.at.text_input if t.label == "Title").set_value("Half").run()
    step(wizard, "Check and save")
    next(t for t in wizard.at.text_input if t.label.startswith("What this")).set_value("So").run()
    wizard.open("home.py").open("setup_wizard.py")
    assert next(t for t in wizard.at.text_input if t.label.startswith("What this")).value == "So"
    step(wizard, "Widgets")
    assert next(t for t in wizard.at.text_input if t.label == "Title").value == "Half"


def test_somebody_else_has_saved_in_the_meantime(wizard: Any) -> None:
    pick(step(wizard, "Fields"), "source_adverse_events_term", "AE.AETERM")
    ConfigStore().commit(StudyConfiguration(study_key="DEMO", phi_fields=["X"]), who="A. Berg")
    step(wizard, "Check and save")
    next(t for t in wizard.at.text_input if t.label == "Your name").set_value("R. Lind").run()
    click(wizard, "Save as version 1")
    assert "saved version 1 in the meantime" in wizard.said("warning")
    assert "phiFields" in wizard.frame("Where", "Before", "After")["Where"].tolist()
    click(wizard, "Save as version 2")
    assert ConfigStore().get("DEMO", 2).mappings[0].target_field == "term"


def test_a_draft_can_begin_from_an_earlier_version(dashboard: Any, ordinary: Any) -> None:
    store = ConfigStore()
    for name in ("ONE", "TWO"):
        store.commit(StudyConfiguration(study_key="DEMO", phi_fields=[name]), who="A. Berg")
    dashboard.connect(ordinary).open("setup_wizard.py")
    assert draft_of(dashboard).config.phi_fields == ["TWO"]
    pick(dashboard, "_from", 1)
    click(dashboard, "Begin from it")
    assert draft_of(dashboard).config.phi_fields == ["ONE"]
    assert draft_of(dashboard).base == 2
    assert draft_of(dashboard).changed


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("Date of birth", True),
        ("Subject's initials", True),
        ("E-mail of the subject", True),
        ("Sex at birth", False),
        ("Medication name", False),
        (None, False),
    ],
)
def test_what_identifies_a_person(label: str | None, found: bool) -> None:
    known = [Variable(form_key="DM", variable_name="X", label=label)]
    assert study.identifying(known) == (["DM.X"] if found else [])
    assert study.identifying([Variable(label="Date of birth", blinded=True)]) == []


@pytest.mark.parametrize(
    ("rule", "chosen", "left"),
    [
        (None, "AE.X", MappingRule("t", "f", "AE", "X")),
        (None, "", None),
        (MappingRule("t", "f", "AE", "Y"), "", None),
        (
            MappingRule("t", "f", "AE", "Y", fallback_value="z"),
            "AE.X",
            MappingRule("t", "f", "AE", "X", fallback_value="z"),
        ),
        (
            MappingRule("t", "f", "AE", "Y", business_logic="1"),
            "",
            MappingRule("t", "f", "AE", None, business_logic="1"),
        ),
    ],
    ids=["new", "none", "taken away", "changed", "expression left"],
)
def test_a_rule_with_another_variable(
    rule: MappingRule | None, chosen: str, left: MappingRule | None
) -> None:
    assert fields.with_source(rule, "t", "f", chosen) == left


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ({}, "subject_level.sex"),
        ({"Subject_Level.SEX": {}}, "Subject_Level.SEX"),
        ({"sexcd": {}, "sex": {}}, "sex"),
        ({"sexcd": {}}, "sexcd"),
    ],
    ids=["none yet", "table and field", "field", "variable"],
)
def test_which_list_of_terms_holds(lists: dict[str, Any], found: str) -> None:
    rule = MappingRule("DM", "sex", "DM", "SEXCD")
    assert terms.list_name(lists, "subject_level.sex", rule) == found


def test_a_new_widget_has_an_id_of_its_own() -> None:
    config = StudyConfiguration(widgets=[WidgetConfig("events"), WidgetConfig("events_2")])
    draft = Draft("S", 0, config, StudyConfiguration())
    assert widgets.free_id(draft, "Events!") == "events_3"
    assert widgets.free_id(draft, "  ") == "widget"
    assert widgets.free_id(draft, "Größe") == "gr_sse"
