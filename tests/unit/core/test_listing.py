"""List calls understood: arguments refused, URLs split, rows of several requests merged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from scripted import Answer, Request, page, refusal, reply
from tables import Table, sites

from imednet import ImednetSDK
from imednet.errors import NotFoundError, PaginationError
from imednet.listing import RESOURCES, segment

EMPTY = reply(page([]))


@pytest.fixture
def asked(serve: Any, connect: Any) -> Any:
    """Call something on an SDK; returns the query of the one request that it sent."""

    def call(function: Any, **options: Any) -> dict[str, list[str]]:
        server = serve(EMPTY)
        function(connect(server, **options))
        (request,) = server.requests
        found: dict[str, list[str]] = request.query
        return found

    return call


# --- path segments


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("DEMO", "DEMO"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("Köln", "K%C3%B6ln"),
        ("...", "..."),
        ("../x", "..%2Fx"),
        (7, "7"),
        ("007", "007"),
    ],
    ids=str,
)
def test_a_segment_is_encoded(value: Any, encoded: str) -> None:
    assert segment(value, "study_key") == encoded


class Index:
    """Stands in for NumPy's whole numbers."""

    def __index__(self) -> int:
        return 7


def test_whole_numbers_of_other_kinds_are_ids(asked: Any) -> None:
    def call(sdk: ImednetSDK) -> None:
        with pytest.raises(NotFoundError):
            sdk.sites.get("S", Number(7))  # type: ignore[arg-type]

    assert segment(Index(), "site_id") == "7"
    assert asked(call)["filter"] == ["siteId==7"]


class Number(Index):
    """One that is also a condition's value."""

    def __init__(self, value: int) -> None:
        self.value = value

    def item(self) -> int:
        return self.value


@pytest.mark.parametrize("value", ["", " ", ".", "..", None, True, 1.5, b"x", [], {}], ids=repr)
def test_a_segment_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="study_key is") as caught:
        segment(value, "study_key")
    assert str(caught.value) == (
        f"study_key is {value!r}: give the key or id that the API knows it by"
    )


@pytest.mark.parametrize("key", ["a/b", "a?b", "100%", "ä ö", "%2e%2e"])
def test_a_key_arrives_as_one_segment(serve: Any, connect: Any, key: str) -> None:
    from urllib.parse import unquote

    server = serve(EMPTY)
    connect(server).sites.list(key)
    parts = server.requests[0].path.split("/")
    assert [unquote(part) for part in parts[-3:]] == ["studies", key, "sites"]


@pytest.mark.parametrize("bad", ["", ".", "..", None])
@pytest.mark.parametrize(
    "call",
    [
        lambda sdk, key: sdk.sites.list(key),
        lambda sdk, key: sdk.sites.iter(key),
        lambda sdk, key: sdk.sites.count(key),
        lambda sdk, key: sdk.sites.get(key, 1),
        lambda sdk, key: sdk.sites.get("S", key),
        lambda sdk, key: sdk.users.get("S", key),
        lambda sdk, key: sdk.studies.get(key),
        lambda sdk, key: sdk.study(key),
        lambda sdk, key: sdk.jobs.get(key, "b"),
        lambda sdk, key: sdk.jobs.get("S", key),
        lambda sdk, key: sdk.jobs.wait("S", key),
        lambda sdk, key: sdk.records.create(key, [{}]),
    ],
    ids=[
        "list",
        "iter",
        "count",
        "get",
        "id",
        "user",
        "study",
        "bound",
        "job",
        "batch",
        "wait",
        "create",
    ],
)
def test_a_key_or_id_that_is_none_is_refused_before_anything_is_sent(
    serve: Any, connect: Any, call: Any, bad: Any
) -> None:
    server = serve(EMPTY)
    with pytest.raises(ValueError, match="give the key or id that the API knows it by"):
        call(connect(server), bad)
    assert server.requests == []


# --- arguments


def test_the_sort_is_the_row_key_unless_told_otherwise(asked: Any) -> None:
    assert asked(lambda sdk: sdk.sites.list("S"))["sort"] == ["siteId,ASC"]


@pytest.mark.parametrize(
    ("sort", "sent"),
    [
        ("site_name", ["siteName,ASC", "siteId,ASC"]),
        ("siteName,desc", ["siteName,DESC", "siteId,ASC"]),
        (["site_name,DESC", "site_id,DESC"], ["siteName,DESC", "siteId,DESC"]),
        ([], ["siteId,ASC"]),
        ("newField", ["newField,ASC", "siteId,ASC"]),
    ],
    ids=str,
)
def test_ties_are_broken_by_the_row_key(asked: Any, sort: Any, sent: list[str]) -> None:
    assert asked(lambda sdk: sdk.sites.list("S", sort=sort))["sort"] == sent


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"filter": "siteId==3"}, "siteId==3"),
        ({"site_name": "a b"}, 'siteName=="a b"'),
        ({"filter": "a==1", "site_id": ("<", 3)}, "a==1;siteId<3"),
        ({"site_id": [1, 2]}, "siteId==1,siteId==2"),
        ({"site_id": [1, 2], "site_name": "x"}, "siteId==1;siteName==x,siteId==2;siteName==x"),
        ({"modified_since": date(2024, 5, 1)}, "dateModified>=2024-05-01T00:00:00Z"),
        ({"modified_since": datetime(2024, 5, 1, 9)}, "dateModified>=2024-05-01T09:00:00Z"),
        ({"modified_since": "2024-05-01T09:00:00Z"}, "dateModified>=2024-05-01T09:00:00Z"),
        (
            {"date_created": ("<", datetime(2024, 5, 1, tzinfo=UTC))},
            "dateCreated<2024-05-01T00:00:00Z",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["list", "iter", "count"])
def test_conditions_become_the_filter(
    asked: Any, method: str, arguments: dict[str, Any], text: str
) -> None:
    def call(sdk: ImednetSDK) -> None:
        found = getattr(sdk.sites, method)("S", **arguments)
        assert found == 0 if method == "count" else list(found) == []

    assert asked(call)["filter"] == [text]


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("record_revisions", "dateCreated"),
        ("codings", "dateCoded"),
        ("records", "dateModified"),
        ("studies", "dateModified"),
    ],
)
def test_what_modified_since_compares(asked: Any, name: str, attribute: str) -> None:
    arguments = [] if name == "studies" else ["S"]
    query = asked(lambda sdk: getattr(sdk, name).list(*arguments, modified_since=date(2024, 5, 1)))
    assert query["filter"] == [f"{attribute}>=2024-05-01T00:00:00Z"]


def test_a_date_field_takes_dates(asked: Any) -> None:
    query = asked(lambda sdk: sdk.visits.list("S", due_date=("<", date(2024, 5, 1))))
    assert query["filter"] == ["dueDate<2024-05-01"]


def test_arguments_of_some_resources_only(asked: Any) -> None:
    query = asked(lambda sdk: sdk.records.list("S", record_data_filter="AGE>50"))
    assert query["recordDataFilter"] == ["AGE>50"]
    query = asked(lambda sdk: sdk.users.list("S", include_inactive=True))
    assert query["includeInactive"] == ["true"]
    query = asked(lambda sdk: sdk.users.list("S", include_inactive=False))
    assert query["includeInactive"] == ["false"]
    assert "includeInactive" not in asked(lambda sdk: sdk.users.list("S"))


COMMON = "filter, sort, limit, page_size, modified_since, on_progress"
SITE = "study_key, site_id, site_name, site_enrollment_status, date_created, date_modified"
USERS = (
    "users have no argument {!r}; they take sort, limit, page_size, on_progress, include_inactive"
)


@pytest.mark.parametrize("method", ["list", "iter", "count"])
@pytest.mark.parametrize(
    ("name", "argument", "said"),
    [
        ("sites", "site_nmae", f"sites have no argument {{!r}}; they take {COMMON}, {SITE}"),
        ("sites", "siteId", f"sites have no argument {{!r}}; they take {COMMON}, {SITE}"),
        ("sites", "include_inactive", f"sites have no argument {{!r}}; they take {COMMON}, {SITE}"),
        ("users", "login", USERS),
        ("users", "filter", USERS),
        ("users", "modified_since", USERS),
        ("users", "record_data_filter", USERS),
    ],
)
def test_an_argument_that_there_is_not(
    connect: Any, method: str, name: str, argument: str, said: str
) -> None:
    resource = getattr(connect("https://a.test"), name)
    with pytest.raises(TypeError) as caught:
        getattr(resource, method)("S", **{argument: "x"})
    text = str(caught.value)
    if method == "count":  # which has no sort and no limit to offer
        assert text.startswith(f"{name} have no argument {argument!r}; they take ")
    else:
        assert text == said.format(argument)


def test_a_field_that_is_no_scalar_is_no_argument(connect: Any) -> None:
    sdk = connect("https://a.test")
    with pytest.raises(TypeError, match=r"^records have no argument 'record_data'; they take "):
        sdk.records.list("S", record_data={})


@pytest.mark.parametrize("argument", ["sort", "limit", "page_size", "on_progress"])
def test_a_count_has_neither_order_nor_limit(connect: Any, argument: str) -> None:
    with pytest.raises(TypeError, match=argument):
        connect("https://a.test").sites.count("S", **{argument: 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"limit": -1}, "limit is -1: give a whole number from 0 up"),
        ({"limit": 1.5}, "limit is 1.5: give a whole number from 0 up"),
        ({"limit": True}, "limit is True: give a whole number from 0 up"),
        ({"page_size": 0}, "page_size is 0: give a whole number from 1 to 500"),
        ({"page_size": 501}, "page_size is 501: give a whole number from 1 to 500"),
        ({"page_size": "9"}, "page_size is '9': give a whole number from 1 to 500"),
        ({"sort": "a,up"}, "sort is 'a,up': give 'site_name', 'site_name,DESC', or a list of"),
        ({"sort": ""}, "sort is '': give 'site_name', 'site_name,DESC', or a list of"),
        ({"sort": 5}, "sort is 5: give 'site_name', 'site_name,DESC', or a list of"),
        ({"sort": "a\udcff"}, "sort is 'a\\udcff', which holds bytes that are no text (in UTF-8)"),
        ({"filter": "a==\udcff"}, "filter is 'a==\\udcff', which holds bytes that are no text"),
        ({"filter": ""}, "filter is '': give text such as 'siteId==3', or leave it out"),
        ({"site_id": ("~", 1)}, "site_id is ('~', 1): a comparison is (operator, value) with"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["list", "iter"])
def test_a_value_that_makes_no_sense_is_refused_at_once(
    connect: Any, method: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=r"^\w+ is ") as caught:
        getattr(connect("https://a.test").sites, method)("S", **arguments)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("resource", "arguments", "said"),
    [
        (
            "records",
            {"record_data_filter": "A==\udcff"},
            "record_data_filter is 'A==\\udcff', which holds bytes that are no text (in UTF-8): "
            "correct it",
        ),
        (
            "sites",
            {"site_name": "\udcff"},
            "site_name: '\\udcff' holds bytes that are no text (in UTF-8): correct it",
        ),
        (
            "sites",
            {"modified_since": "soon"},
            "modified_since: 'soon' is not a timestamp: give a date or a datetime, or text such "
            "as 2026-01-31 or 2026-01-31T10:00:00Z",
        ),
        (
            "record_revisions",
            {"modified_since": "soon"},
            "modified_since: 'soon' is not a timestamp: give a date or a datetime, or text such "
            "as 2026-01-31 or 2026-01-31T10:00:00Z",
        ),
    ],
    ids=["question", "text", "since", "since-of-revisions"],
)
def test_a_value_that_cannot_be_sent_is_refused_by_its_own_name(
    connect: Any, resource: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=r"^\w+( is|:) ") as caught:
        getattr(connect("https://a.test"), resource).iter("S", **arguments)
    assert str(caught.value) == said


def test_null_cannot_be_asked_for(connect: Any) -> None:
    with pytest.raises(TypeError, match=r"^site_name: None cannot be compared with"):
        connect("https://a.test").sites.list("S", site_name=None)


def test_a_limit_of_none_and_an_any_of_nothing_send_nothing(serve: Any, connect: Any) -> None:
    server = serve(EMPTY)
    sdk = connect(server)
    assert sdk.sites.list("S", limit=0) == []
    assert list(sdk.sites.iter("S", limit=0)) == []
    assert sdk.sites.list("S", site_id=[]) == []
    assert list(sdk.sites.iter("S", site_id=[], site_name="x")) == []
    assert sdk.sites.count("S", site_id=[]) == 0
    assert server.requests == []


# --- get and count


def test_a_count_is_one_small_request(serve: Any, connect: Any) -> None:
    server = serve(reply(page([{"siteId": 1}], total=41, size=1)))
    assert connect(server).sites.count("S", site_name="x") == 41
    assert [request.query for request in server.requests] == [
        {"page": ["0"], "size": ["1"], "filter": ["siteName==x"]}
    ]


def test_a_get_is_one_request(serve: Any, connect: Any) -> None:
    server = serve(reply(page([{"siteId": 7, "siteName": "x"}], size=2)))
    assert connect(server).sites.get("S", "7").site_name == "x"
    assert [request.query["filter"] for request in server.requests] == [["siteId==7"]]


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("sites", 9, "404 on GET /studies/S/sites: there is no site_id 9 among the sites"),
        ("users", "x", "404 on GET /studies/S/users: there is no user_id 'x' among the users"),
    ],
)
def test_what_is_not_there_is_not_found(
    serve: Any, connect: Any, name: str, key: Any, said: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        getattr(connect(serve(EMPTY)), name).get("S", key)
    assert str(caught.value) == said
    assert caught.value.status_code == 404


def test_a_server_that_ignores_the_filter_does_not_give_the_wrong_row(
    serve: Any, connect: Any
) -> None:
    with pytest.raises(NotFoundError):
        connect(serve(reply(page(sites(1, 2), size=2)))).sites.get("S", 9)


# --- several requests for one list


class Filtered(Table):
    """Understands `siteId==N` alternatives, and the orders that these tests ask for."""

    def __call__(self, request: Request) -> Answer:
        wanted = {int(part.partition("==")[2]) for part in request.query["filter"][0].split(",")}
        rows = [row for row in self.rows if row["siteId"] in wanted]
        for order in reversed(request.query.get("sort", [])):
            name, _, direction = order.partition(",")
            rows.sort(
                key=lambda row: (row.get(name) is None, row.get(name) or 0),
                reverse=direction == "DESC",
            )
        number, size = request.number("page"), request.number("size")
        part = rows[number * size : (number + 1) * size]
        return reply(page(part, total=len(rows), number=number, size=size))


MANY = list(range(1000, 1800))
NAMED = [{"siteId": n, "siteName": None if n % 5 == 0 else f"{n % 7}"} for n in MANY]


@pytest.fixture
def many(serve: Any, connect: Any) -> Any:
    server = serve(Filtered(NAMED))
    sdk = connect(server, prefetch=1)
    sdk.server = server
    return sdk


def test_no_url_is_longer_than_6000_characters(many: Any) -> None:
    assert many.sites.count("S", site_id=MANY) == 800
    lengths = [len(many.server.url + request.target) for request in many.server.requests]
    assert len(lengths) == 3  # 19 characters an alternative, percent-encoded
    assert max(lengths) < 6000
    assert min(lengths[:-1]) > 5800  # and none is sent too often


def test_a_url_that_fits_is_one_request(many: Any) -> None:
    assert many.sites.count("S", site_id=MANY[:300]) == 300
    assert len(many.server.requests) == 1


@pytest.mark.parametrize("method", ["list", "iter"])
@pytest.mark.parametrize("given", [MANY, MANY[::-1]], ids=["rising", "falling"])
def test_rows_of_several_requests_come_in_key_order(many: Any, method: str, given: Any) -> None:
    rows = getattr(many.sites, method)("S", site_id=given)
    assert [row.site_id for row in rows] == MANY


@pytest.mark.parametrize("method", ["list", "iter"])
@pytest.mark.parametrize(
    ("sort", "key", "down"),
    [
        ("site_id,DESC", lambda row: (-row["siteId"],), False),
        ("site_name", lambda row: (row["siteName"] is None, row["siteName"], row["siteId"]), False),
        (
            "site_name,DESC",
            lambda row: (row["siteName"] is None, row["siteName"] or "", -row["siteId"]),
            True,
        ),
    ],
    ids=["key down", "name", "name down"],
)
def test_rows_of_several_requests_come_in_the_callers_order(
    many: Any, method: str, sort: str, key: Any, down: bool
) -> None:
    rows = getattr(many.sites, method)("S", site_id=MANY, sort=sort)
    order = sorted(NAMED, key=key, reverse=down)
    assert [row.site_id for row in rows] == [row["siteId"] for row in order]


@pytest.mark.parametrize("method", ["list", "iter"])
def test_a_limit_holds_for_all_requests_together(many: Any, method: str) -> None:
    rows = getattr(many.sites, method)("S", site_id=MANY[::-1], limit=7)
    assert [row.site_id for row in rows] == MANY[:7]
    assert {request.query["size"][0] for request in many.server.requests} == {"7"}


def test_any_of_beside_other_conditions_fits_too(serve: Any, connect: Any) -> None:
    server = serve(lambda _: EMPTY)
    connect(server).sites.count("S", site_id=MANY, site_name="a, b; c")
    texts = [request.query["filter"][0] for request in server.requests]
    assert max(len(server.url + request.target) for request in server.requests) < 6000
    together = ",".join(texts)
    assert together == ",".join(f'siteId=={n};siteName=="a, b; c"' for n in MANY)


def test_progress_of_several_requests_counts_on(many: Any) -> None:
    told: list[tuple[int, int]] = []
    many.sites.list("S", site_id=MANY, on_progress=lambda *numbers: told.append(numbers))
    seen = [so_far for so_far, _ in told]
    assert seen == sorted(seen)
    assert told[-1] == (800, 800)


def test_progress_of_several_requests_with_a_limit(many: Any) -> None:
    told: list[tuple[int, int]] = []
    arguments = {"site_id": MANY, "limit": 7}
    many.sites.list("S", on_progress=lambda *numbers: told.append(numbers), **arguments)
    assert told[-1] == (7, 7)
    assert max(told) == (7, 7)


def test_one_series_starts_over_without_the_others(serve: Any, connect: Any) -> None:
    moved = {"left": 3}

    class Moving(Filtered):
        def __call__(self, request: Request) -> Answer:
            if "siteId==1000" in request.query["filter"][0] and request.number("page") == 1:
                moved["left"] -= 1
                if moved["left"] > 0:
                    return reply(page([], total=0, number=1))
            return super().__call__(request)

    server = serve(Moving(NAMED))
    sdk = connect(server, prefetch=1, page_size=100)
    assert [row.site_id for row in sdk.sites.list("S", site_id=MANY)] == MANY
    firsts = [r for r in server.requests if r.number("page") == 0]
    assert len(firsts) == 3 + 2


def test_rows_that_move_in_one_of_several_requests_stop_iter(serve: Any, connect: Any) -> None:
    class Moving(Filtered):
        def __call__(self, request: Request) -> Answer:
            if request.number("page") == 1:
                return reply(page([], total=0, number=1))
            return super().__call__(request)

    rows = connect(serve(Moving(NAMED)), prefetch=1, page_size=100).sites.iter("S", site_id=MANY)
    with pytest.raises(PaginationError, match="the number of rows went from"):
        list(rows)


def test_an_error_in_one_of_several_requests_surfaces(serve: Any, connect: Any) -> None:
    server = serve(reply(page(sites(1))), refusal(404))
    with pytest.raises(NotFoundError):
        connect(server).sites.list("S", site_id=MANY)


def test_every_resource_has_its_model_and_key() -> None:
    assert sorted(RESOURCES) == sorted(
        [
            "studies",
            "sites",
            "forms",
            "intervals",
            "visits",
            "subjects",
            "users",
            "variables",
            "codings",
            "queries",
            "record_revisions",
            "records",
        ]
    )


# --- what must not be taken for another row, or twice for one


def test_get_takes_no_row_without_a_key_for_one_called_none(serve: Any, connect: Any) -> None:
    server = serve(lambda _: reply(page([{"userId": None, "login": "u0"}])))
    with pytest.raises(NotFoundError):
        connect(server).users.get("S", "None")


@pytest.mark.parametrize("key", ["abc", "1.5", "None"])
def test_an_id_that_is_no_number_is_not_found_and_nothing_is_sent(
    serve: Any, connect: Any, key: str
) -> None:
    server = serve(lambda _: reply(page([])))
    with pytest.raises(NotFoundError, match=f"there is no site_id '{key}' among the sites"):
        connect(server).sites.get("S", key)
    assert server.requests == []


def test_a_row_that_comes_twice_in_another_order_starts_the_list_over(
    serve: Any, connect: Any
) -> None:
    order = [[3, 1, 2], [2, 5, 4]]

    def handler(request: Any) -> Any:
        number = request.number("page")
        rows = [{"siteId": n} for n in order[number]]
        if number == 1:
            order[1] = [6, 5, 4]
        return reply(page(rows, total=6, size=3, number=number))

    sdk = connect(serve(handler), page_size=3, prefetch=1)
    found = [row.site_id for row in sdk.sites.list("S", sort="site_name")]
    assert found == [3, 1, 2, 6, 5, 4]


def test_a_row_that_two_requests_bring_stands_once(serve: Any, connect: Any) -> None:
    rows = [{"siteId": number} for number in range(1, 4)]
    sdk = connect(serve(lambda _: reply(page(rows))))
    many = [f"{number}-{'x' * 40}" for number in range(300)]
    assert [row.site_id for row in sdk.sites.list("S", site_name=many)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        pytest.param(
            "records",
            {"record_data_filter": ["AESER==Yes", "AESEV==Mild"]},
            "record_data_filter is ['AESER==Yes', 'AESEV==Mild']: "
            "give text, in the API's own words",
            id="list",
        ),
        pytest.param(
            "users",
            {"include_inactive": "yes"},
            "include_inactive is 'yes': give True or False",
            id="word",
        ),
    ],
)
def test_a_special_argument_of_another_kind_is_refused(
    serve: Any, connect: Any, resource: str, arguments: dict[str, Any], message: str
) -> None:
    server = serve(lambda _: reply(page([])))
    with pytest.raises(TypeError) as error:
        getattr(connect(server), resource).list("S", **arguments)
    assert str(error.value) == message
    assert server.requests == []
