"""What people call things: by key, name or id."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from imednet.models import Form, Interval, Site
from imednet_workflows.lookups import (
    find_form,
    find_interval,
    find_site,
    side_by_side,
    site_ids,
    with_site_ids,
)

SITES = [Site(site_id=n, site_name=name) for n, name in ((1, "Alder"), (2, "Birch"), (12, "3"))]
FORMS = [
    Form(form_id=1, form_key="AE", form_name="Adverse Event"),
    Form(form_id=2, form_key="VS", form_name="Vitals"),
    Form(form_id=3, form_key="ae", form_name="Older adverse events"),
    Form(form_id=4, form_key="X", form_name="Twin"),
    Form(form_id=5, form_key="Y", form_name="twin"),
    Form(form_id=6, form_key="Z", form_name="TWIN"),
]
INTERVALS = [Interval(interval_id=n, interval_name=name) for n, name in ((7, "Week 2"), (8, "EOS"))]


@pytest.mark.parametrize(
    ("wanted", "site_id"),
    [
        ("Alder", 1),
        ("alder", 1),
        (" ALDER ", 1),
        (2, 2),
        ("2", 2),
        ("3", 12),
        (" 1 ", 1),
    ],
    ids=repr,
)
def test_find_site(wanted: Any, site_id: int) -> None:
    assert find_site(SITES, wanted).site_id == site_id


@pytest.mark.parametrize(
    ("wanted", "form_id"),
    [("AE", 1), ("ae", 3), ("vs", 2), ("Vitals", 2), ("adverse event", 1), (3, 3), ("Twin", 4)],
    ids=repr,
)
def test_find_form(wanted: Any, form_id: int) -> None:
    assert find_form(FORMS, wanted).form_id == form_id


@pytest.mark.parametrize(("wanted", "found"), [("week 2", 7), (8, 8), ("8", 8)], ids=repr)
def test_find_interval(wanted: Any, found: int) -> None:
    assert find_interval(INTERVALS, wanted).interval_id == found


@pytest.mark.parametrize(
    ("find", "rows", "wanted", "said"),
    [
        (find_site, SITES, "Aldr", "there is no site 'Aldr' in the study: did you mean 'Alder'?"),
        (find_site, SITES, "Q", "there is no site 'Q' in the study: there are Alder, Birch, 3"),
        (find_site, SITES, 9, "there is no site 9 in the study: there are Alder, Birch, 3"),
        (find_site, [], "Q", "there is no site 'Q' in the study: there are none"),
        (
            find_site,
            [Site(site_id=n, site_name=f"S{n:02d}x") for n in range(23)],
            "?",
            "there is no site '?' in the study: there are "
            + ", ".join(f"S{n:02d}x" for n in range(20))
            + " and 3 more",
        ),
        (find_site, SITES, True, "site is True: give a key, a name or an id"),
        (find_site, SITES, None, "site is None: give a key, a name or an id"),
        (find_form, FORMS, 1.0, "form is 1.0: give a key, a name or an id"),
        (find_form, FORMS, "tWIN", "form 'tWIN' means several: give one of the ids 4, 5, 6"),
        (
            find_interval,
            INTERVALS,
            "Week 3",
            "there is no interval 'Week 3' in the study: did you mean 'Week 2'?",
        ),
    ],
    ids=["near", "far", "id", "none", "many", "bool", "null", "float", "several", "interval"],
)
def test_what_is_not_there_is_told(find: Any, rows: Any, wanted: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        find(rows, wanted)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("given", "pick"),
    [
        ("Bexley Falls Lung Clinic", ["Bexley Falls Lung Clinic"]),
        (2, ["Bexley Falls Lung Clinic"]),
        ([1, "bexley falls lung clinic"], None),
        ((2, 1), None),
        ([], []),
    ],
    ids=["name", "id", "list", "tuple", "none"],
)
def test_site_ids(study: Any, given: Any, pick: Any) -> None:
    by_name = {row["siteName"]: row["siteId"] for row in study.kept("sites")}
    expected = {1, 2} if pick is None else {by_name[name] for name in pick}
    assert set(site_ids(study.sdk, study.key, given)) == expected


def test_site_names_become_ids_and_the_rest_is_kept(study: Any) -> None:
    given = {"site_name": "Corvane General Hospital", "deleted": False}
    assert with_site_ids(study.sdk, study.key, given) == {"site_id": [3], "deleted": False}
    assert given == {"site_name": "Corvane General Hospital", "deleted": False}


@pytest.mark.parametrize("given", [None, {}, {"site_id": 3}], ids=["none", "empty", "id"])
def test_without_names_nothing_is_asked(own: Any, given: Any) -> None:
    assert with_site_ids(own.sdk, own.key, given) == (given or {})
    assert not own.server.requests


def test_name_and_id_at_once_are_refused(study: Any) -> None:
    with pytest.raises(ValueError, match=r"^site_name and site_id are both given: give one of"):
        with_site_ids(study.sdk, study.key, {"site_name": "x", "site_id": 1})


def test_calls_run_side_by_side_and_answer_in_order() -> None:
    barrier = threading.Barrier(3, timeout=20)

    def call(number: int) -> Any:
        return lambda: (barrier.wait(), number)[1]

    assert side_by_side(call(1), call(2), call(3)) == [1, 2, 3]


def test_an_error_of_any_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda: 1, lambda: 1 / 0, lambda: 3)
