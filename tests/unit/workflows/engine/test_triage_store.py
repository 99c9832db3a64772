"""Review items: found once, moved by rules, with a history that nothing overwrites."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_workflows.data_folder import StoreError
from imednet_workflows.triage_items import Finding, Item, items_frame
from imednet_workflows.triage_store import IllegalMoveError, Refresh, TriageStore

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> TriageStore:
    return TriageStore(tmp_path / "t.sqlite3")


def finding(key: str = "1", **fields: Any) -> Finding:
    return Finding("S", fields.pop("kind", "k"), key, fields.pop("title", f"item {key}"), **fields)


def found(store: TriageStore, *findings: Finding, now: datetime = NOON) -> Refresh:
    return store.refresh("S", findings, kinds={"k"}, now=now)


def actions(store: TriageStore, item: Finding) -> list[str]:
    return [event.action for event in store.history(item.identity)]


def test_the_file_stands_in_the_data_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path))
    store = TriageStore()
    assert store.path == tmp_path / "triage.sqlite3"
    assert repr(store) == f"TriageStore('{store.path}')"


def test_a_finding_becomes_an_item(store: TriageStore) -> None:
    one = finding(severity="high", site="N", subject="N-1", record_id=7, detail="d")
    assert found(store, one) == Refresh(new=1, still=0, again=0, gone=0)
    assert store.get(one.identity) == Item(
        identity=one.identity,
        study_key="S",
        kind="k",
        title="item 1",
        detail="d",
        severity="high",
        site="N",
        subject="N-1",
        record_id=7,
        status="new",
        assignee=None,
        first_found=NOON,
        last_found=NOON,
        opened=NOON,
        gone=None,
        due=NOON + 3 * DAY,
    )


def test_a_second_run_makes_no_second_item(store: TriageStore) -> None:
    found(store, finding("1"), finding("2"))
    assert found(store, finding("1"), finding("2"), now=NOON + DAY) == Refresh(0, 2, 0, 0)
    items = store.items("S")
    assert [(item.first_found, item.last_found) for item in items] == [(NOON, NOON + DAY)] * 2
    assert actions(store, finding("1")) == ["found"]


def test_what_a_rule_says_otherwise_is_noted(store: TriageStore) -> None:
    found(store, finding())
    found(store, finding(title="worse", severity="critical"))
    item = store.get(finding().identity)
    assert (item.title, item.severity) == ("worse", "critical")
    last = store.history(item.identity)[-1]
    assert (last.action, last.old, last.new, last.who) == (
        "changed",
        "item 1 |  | medium",
        "worse |  | critical",
        "rules",
    )


def test_what_is_gone_is_kept_and_may_come_back(store: TriageStore) -> None:
    found(store, finding("1"), finding("2"))
    assert found(store, finding("2"), now=NOON + DAY) == Refresh(0, 1, 0, 1)
    assert [item.title for item in store.items("S")] == ["item 2"]
    gone = store.get(finding("1").identity)
    assert (gone.gone, gone.undecided) == (NOON + DAY, False)
    assert found(store, finding("2"), now=NOON + 2 * DAY) == Refresh(0, 1, 0, 0)
    assert found(store, finding("1"), finding("2"), now=NOON + 3 * DAY) == Refresh(0, 1, 1, 0)
    back = store.get(finding("1").identity)
    assert (back.gone, back.opened, back.first_found) == (None, NOON + 3 * DAY, NOON)
    assert actions(store, finding("1")) == ["found", "gone", "found again"]


@pytest.mark.parametrize(
    ("decide", "expected"),
    [
        (lambda s, i: None, "new"),
        (lambda s, i: s.review(i, who="A"), "under review"),
        (lambda s, i: (s.review(i, who="A"), s.approve(i, who="A")), "new"),
        (lambda s, i: (s.review(i, who="A"), s.reject(i, who="A")), "new"),
    ],
    ids=["new", "under review", "approved", "rejected"],
)
def test_what_was_decided_comes_back_as_new(
    store: TriageStore, decide: Callable[[TriageStore, str], Any], expected: str
) -> None:
    found(store, finding())
    decide(store, finding().identity)
    before = store.history(finding().identity)
    found(store)
    found(store, finding())
    assert store.get(finding().identity).status == expected
    assert store.history(finding().identity)[: len(before)] == before


def test_a_decision_stands_while_it_is_still_found(store: TriageStore) -> None:
    found(store, finding())
    store.review(finding().identity, who="A")
    store.approve(finding().identity, who="A")
    found(store, finding())
    assert store.get(finding().identity).status == "approved"


def test_kinds_that_were_not_looked_for_stay(store: TriageStore) -> None:
    other = finding("1", kind="other")
    store.refresh("S", [other, finding()], kinds={"k", "other"})
    store.refresh("S", [], kinds="k")
    store.refresh("T", [], kinds={"other"})
    store.refresh("S", [], kinds=())
    assert [item.kind for item in store.items("S")] == ["other"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Finding("T", "k", "1", "t"), "study_key: a finding is of 'T', not 'S'"),
        (Finding("S", "x", "1", "t"), "kinds: 'x' was found and is not among ['k']"),
        (
            Finding("S", "k", "1", "t", severity="bad"),
            "severity: 'bad' is none of critical, high, medium, low",
        ),
    ],
    ids=["study", "kind", "severity"],
)
def test_a_wrong_finding_stops_the_whole_run(
    store: TriageStore, wrong: Finding, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        found(store, finding("9"), wrong)
    assert store.items("S") == []


def test_the_way_of_an_item(store: TriageStore) -> None:
    found(store, finding())
    one = finding().identity
    assert store.assign(one, "B", who="A").assignee == "B"
    assert store.review(one, who="B").status == "under review"
    store.comment(one, "Site was asked", who="B")
    assert store.approve(one, who="B", comment="answered").status == "approved"
    reopened = store.reopen(one, who="C")
    assert reopened.status == "under review"
    assert reopened.opened > NOON
    assert store.reject(one, who="C").status == "rejected"
    assert store.assign(one, None, who="C").assignee is None
    told = [(e.action, e.who, e.old, e.new, e.comment) for e in store.history(one)]
    assert told == [
        ("found", "rules", None, "new", ""),
        ("assigned", "A", None, "B", ""),
        ("status", "B", "new", "under review", ""),
        ("comment", "B", None, None, "Site was asked"),
        ("status", "B", "under review", "approved", "answered"),
        ("status", "C", "approved", "under review", ""),
        ("status", "C", "under review", "rejected", ""),
        ("assigned", "C", "B", None, ""),
    ]


WAYS = {
    "new": [],
    "under review": ["review"],
    "approved": ["review", "approve"],
    "rejected": ["review", "reject"],
}
STEPS = {"review": "under review", "approve": "approved", "reject": "rejected"}
LEGAL = {
    ("new", "review"),
    ("under review", "approve"),
    ("under review", "reject"),
    ("approved", "reopen"),
    ("rejected", "reopen"),
}


@pytest.mark.parametrize("step", ["review", "approve", "reject", "reopen"])
@pytest.mark.parametrize("status", ["new", "under review", "approved", "rejected"])
def test_only_legal_moves(store: TriageStore, status: str, step: str) -> None:
    found(store, finding())
    one = finding().identity
    for name in WAYS[status]:
        getattr(store, name)(one, who="A")
    assert store.get(one).status == status
    if (status, step) in LEGAL:
        assert getattr(store, step)(one, who="A").status == STEPS.get(step, "under review")
        return
    with pytest.raises(IllegalMoveError, match=f"item {one} is {status}: only one that is "):
        getattr(store, step)(one, who="A")
    assert store.get(one).status == status


def test_an_illegal_move_says_what_is_legal(store: TriageStore) -> None:
    found(store, finding())
    one = finding().identity
    with pytest.raises(IllegalMoveError) as caught:
        store.reopen(one, who="A")
    assert str(caught.value) == (
        f"item {one} is new: only one that is approved or rejected can become under review"
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda s, i: s.review(i, who=""),
        lambda s, i: s.assign(i, "B", who=""),
        lambda s, i: s.assign(i, " ", who="A"),
        lambda s, i: s.comment(i, "text", who=" "),
    ],
    ids=["review", "assign", "assignee", "comment"],
)
def test_names_are_required(store: TriageStore, call: Callable[[TriageStore, str], Any]) -> None:
    found(store, finding())
    with pytest.raises(ValueError, match="is no name: say who decides this"):
        call(store, finding().identity)
    assert actions(store, finding()) == ["found"]


def test_an_empty_comment_is_refused(store: TriageStore) -> None:
    with pytest.raises(ValueError, match="text") as caught:
        store.comment("x", " ", who="A")
    assert str(caught.value) == "text: ' ' says nothing: write a comment"


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.get("x"),
        lambda s: s.history("x"),
        lambda s: s.review("x", who="A"),
        lambda s: s.comment("x", "text", who="A"),
    ],
    ids=["get", "history", "review", "comment"],
)
def test_an_unknown_item_is_said(store: TriageStore, call: Callable[[TriageStore], Any]) -> None:
    with pytest.raises(StoreError) as caught:
        call(store)
    assert str(caught.value) == "there is no review item 'x': refresh the list"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["c", "a", "b", "d"]),
        ({"severity": ["critical", "low"]}, ["c", "d"]),
        ({"severity": "high"}, ["a"]),
        ({"site": "N"}, ["a", "b"]),
        ({"site": ["N", "M"]}, ["c", "a", "b"]),
        ({"subject": "N-1"}, ["a"]),
        ({"record_id": 4}, ["a"]),
        ({"assignee": "B"}, ["b"]),
        ({"assignee": ""}, ["c", "a", "d"]),
        ({"status": "under review"}, ["b"]),
        ({"status": []}, []),
        ({"kind": "other"}, []),
        ({"include_gone": True}, ["c", "a", "b", "e", "d"]),
        ({"overdue_at": NOON + 5 * DAY}, ["c", "a"]),
        ({"overdue_at": NOON + 8 * DAY, "site": "N"}, ["a", "b"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_items_are_filtered(
    store: TriageStore, filters: dict[str, Any], expected: list[str]
) -> None:
    given_items = [
        finding("a", title="a", severity="high", site="N", subject="N-1", record_id=4),
        finding("b", title="b", severity="medium", site="N"),
        finding("c", title="c", severity="critical", site="M"),
        finding("d", title="d", severity="low"),
        finding("e", title="e"),
    ]
    found(store, *given_items)
    found(store, *given_items[:4])
    store.review(given_items[1].identity, who="A")
    store.assign(given_items[1].identity, "B", who="A")
    titles = [item.title for item in store.items("S", **filters)]
    if "include_gone" in filters:  # two of one severity, in the order of their identities
        assert sorted(titles) == sorted(expected)
    else:
        assert titles == expected


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            {"status": "open"},
            "status: 'open' is none of new, under review, approved, rejected",
        ),
        ({"severity": ["x"]}, "severity: 'x' is none of critical, high, medium, low"),
    ],
    ids=["status", "severity"],
)
def test_a_filter_that_can_fit_nothing_is_refused(
    store: TriageStore, filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        store.items("S", **filters)


@pytest.mark.parametrize(
    ("sla", "message"),
    [
        ({"urgent": 1}, "severity: 'urgent' is none of critical, high, medium, low"),
        ({"high": -1}, "sla_days: -1 days for high is no time: give 0 or more"),
    ],
    ids=["word", "negative"],
)
def test_a_wrong_sla_is_refused(tmp_path: Path, sla: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TriageStore(tmp_path / "t", sla_days=sla)


def test_age_and_sla(tmp_path: Path) -> None:
    store = TriageStore(tmp_path / "t.sqlite3", sla_days={"high": 0.5})
    found(store, finding(severity="high"))
    item = store.get(finding().identity)
    assert item.due == NOON + DAY / 2
    assert item.age_days(NOON + 3 * DAY) == 3
    assert [item.overdue(NOON + hours * DAY / 24) for hours in (11, 12, 13)] == [False, False, True]
    store.review(item.identity, who="A")
    assert not store.reject(item.identity, who="A").overdue(NOON + 9 * DAY)


def test_items_as_a_frame(store: TriageStore) -> None:
    empty = items_frame([], now=NOON)
    found(store, finding(severity="critical", record_id=3))
    frame = items_frame(store.items("S"), now=NOON + 2 * DAY)
    assert frame.dtypes.to_dict() == empty.dtypes.to_dict()
    row = frame.iloc[0]
    assert (row["record_id"], row["age_days"], bool(row["overdue"])) == (3, 2.0, True)
    assert frame["assignee"].isna().all()
    assert str(frame["due"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET who = 'X'", "DELETE FROM events", "DELETE FROM items"],
    ids=["update", "delete", "item"],
)
def test_history_cannot_be_overwritten(store: TriageStore, statement: str) -> None:
    found(store, finding())
    connection = sqlite3.connect(store.path)
    with pytest.raises(sqlite3.IntegrityError, match="what is kept stays"):
        connection.execute(statement)
    connection.close()


REVIEWER = """
from imednet_workflows.triage_store import Finding, IllegalMoveError, TriageStore
number, path = sys.argv[1], sys.argv[2]
store, one = TriageStore(path), Finding("S", "k", "1", "item 1").identity
go()
for turn in range(10):
    store.comment(one, f"{number}-{turn}", who=number)
try:
    store.approve(one, who=number)
    print("first")
except IllegalMoveError:
    print("late")
"""


def test_of_two_who_decide_one_is_told(store: TriageStore, together: Any) -> None:
    found(store, finding())
    store.review(finding().identity, who="A")
    outputs = together(REVIEWER, 4, store.path)
    assert sorted(line.strip() for line in outputs) == ["first", "late", "late", "late"]
    history = store.history(finding().identity)
    comments = {event.comment for event in history if event.action == "comment"}
    assert comments == {f"{number}-{turn}" for number in range(4) for turn in range(10)}
    assert [event.new for event in history].count("approved") == 1


RUNNER = """
from imednet_workflows.triage_store import Finding, TriageStore
store = TriageStore(sys.argv[2])
go()
for turn in range(5):
    store.refresh("S", [Finding("S", "k", str(n), f"item {n}") for n in range(20)], kinds={"k"})
"""


def test_runs_at_once_make_no_duplicates(store: TriageStore, together: Any) -> None:
    together(RUNNER, 3, store.path)
    assert len(store.items("S", include_gone=True)) == 20
    assert actions(store, finding("3")) == ["found"]


runs = st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=6)


@given(runs=runs)
def test_after_any_runs_the_last_one_holds(
    tmp_path_factory: pytest.TempPathFactory, runs: list[set[str]]
) -> None:
    store = TriageStore(tmp_path_factory.mktemp("store") / "t.sqlite3")
    seen: set[str] = set()
    for keys in runs:
        before = {item.title for item in store.items("S")}
        told = found(store, *(finding(key, title=key) for key in keys))
        assert told.new == len(keys - seen)
        assert told.gone == len(before - keys)
        assert told.new + told.still + told.again == len(keys)
        seen |= keys
    assert {item.title for item in store.items("S")} == runs[-1]
    assert {item.title for item in store.items("S", include_gone=True)} == seen


def test_the_identity_is_of_study_kind_and_key_alone() -> None:
    one = finding("1", title="a", severity="low")
    assert one.identity == finding("1", title="b", site="N").identity
    others = [finding("2"), finding("1", kind="x"), Finding("T", "k", "1", "a")]
    assert len({one.identity, *(other.identity for other in others)}) == 4


def test_what_was_decided_and_became_graver_is_new_again(store: TriageStore) -> None:
    item = finding(severity="medium")
    found(store, item)
    store.review(item.identity, who="A. Berg")
    store.approve(item.identity, who="A. Berg")
    found(store, finding(severity="low"), now=NOON + DAY)
    assert store.get(item.identity).status == "approved"
    found(store, finding(severity="critical"), now=NOON + 2 * DAY)
    assert store.get(item.identity).status == "new"


def test_a_run_older_than_one_taken_in_is_refused(store: TriageStore) -> None:
    item = finding()
    found(store, item, now=NOON + DAY)
    with pytest.raises(ValueError, match="has been taken in already"):
        found(store, now=NOON)
    assert store.get(item.identity).gone is None
