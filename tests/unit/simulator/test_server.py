"""Keys, paths, methods, pages and sorting: the exact bodies."""

from __future__ import annotations

import re
from typing import Any

import pytest

from imednet_simulator.schema import RESOURCES

ROOT = "/api/v1/edc"
LISTS = [name for name in RESOURCES if name != "studies"]


def test_envelope(api: Any) -> None:
    page = api.page("sites", size=1, page=2)
    stamp = page["metadata"].pop("timestamp")
    assert re.fullmatch(r"2026-03-02 12:\d\d:\d\d", stamp)
    assert page == {
        "metadata": {
            "status": "OK",
            "method": "GET",
            "path": f"{ROOT}/studies/DEMO/sites",
            "error": {},
        },
        "pagination": {
            "currentPage": 2,
            "size": 1,
            "totalPages": 6,
            "totalElements": 6,
            "sort": [{"property": "siteId", "direction": "ASC"}],
        },
        "data": page["data"],
    }
    (site,) = page["data"]
    assert (site["siteId"], site["siteName"]) == (3, "Corvane General Hospital")


@pytest.mark.parametrize("name", LISTS)
def test_every_list(api: Any, name: str) -> None:
    resource, page = RESOURCES[name], api.page(name)
    assert page["pagination"]["sort"] == [{"property": resource.default_sort, "direction": "ASC"}]
    assert page["pagination"]["size"] == 25
    assert 0 < len(page["data"]) <= 25
    assert all(list(row) == list(resource.fields) for row in page["data"])
    keys = [row[resource.default_sort] for row in page["data"]]
    assert keys == sorted(keys)


def test_studies(api: Any) -> None:
    answer = api.request("GET", f"{ROOT}/studies")
    assert [study["studyKey"] for study in answer.json()["data"]] == ["DEMO"]
    none = api.request("GET", f"{ROOT}/studies?filter=studyKey!=DEMO").json()
    assert none["pagination"]["totalPages"] == 0


def test_pages_add_up(api: Any) -> None:
    everything = [row["recordId"] for row in api.rows("records")]
    pages = [api.page("records", size=400, page=n)["data"] for n in range(6)]
    assert [row["recordId"] for page in pages for row in page] == everything[:2400]


def test_page_beyond_the_end_is_empty(api: Any) -> None:
    page = api.page("sites", page=7)
    assert page["data"] == []
    assert page["pagination"]["totalElements"] == 6


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("size", "0", "1 to 500"),
        ("size", "501", "1 to 500"),
        ("size", "-1", "1 to 500"),
        ("size", "ten", "1 to 500"),
        ("size", "1" * 40, "1 to 500"),
        ("page", "-1", "0 or more"),
        ("page", "1.5", "0 or more"),
    ],
)
def test_impossible_pages(api: Any, name: str, value: str, allowed: str) -> None:
    assert api.error("sites", **{name: value}) == (
        400,
        {
            "code": "1000",
            "description": f"{name} must be a whole number, {allowed}",
            "field": {"attribute": name, "value": value},
        },
    )


def test_sorted_by_several(api: Any) -> None:
    page = api.page("subjects", sort=["siteId,DESC", "subjectKey,ASC"], size=500)
    assert page["pagination"]["sort"] == [
        {"property": "siteId", "direction": "DESC"},
        {"property": "subjectKey", "direction": "ASC"},
    ]
    keys = [(-row["siteId"], row["subjectKey"]) for row in page["data"]]
    assert keys == sorted(keys)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(
    ("path", "name"), [("records", "intervalId"), ("visits", "visitDate"), ("queries", "variable")]
)
def test_null_sorts_after_every_value(api: Any, path: str, name: str, direction: str) -> None:
    rows = api.rows(path, sort=f"{name},{direction}")
    values = [row[name] for row in rows]
    assert None in values
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=direction == "DESC")
    nulls = values[len(known) :] if direction == "ASC" else values[: -len(known)]
    assert set(nulls) == {None}


def test_ties_are_in_the_order_of_the_row_key(api: Any) -> None:
    for direction in ("ASC", "DESC"):
        rows = api.rows("records", sort=f"formKey,{direction}")
        keys = [row["recordId"] for row in rows if row["formKey"] == "AE"]
        assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("nope,ASC", "records cannot be sorted by nope"),
        ("recordData,ASC", "records cannot be sorted by recordData"),
        ("recordId,UP", "The direction is ASC or DESC"),
    ],
)
def test_impossible_sorts(api: Any, text: str, description: str) -> None:
    error = {
        "code": "1000",
        "description": description,
        "field": {"attribute": "sort", "value": text},
    }
    assert api.error("records", sort=text) == (400, error)


def test_users(api: Any) -> None:
    active, everybody = api.rows("users"), api.rows("users", includeInactive="true")
    assert len(active) < len(everybody)
    assert all(user["userActiveInStudy"] for user in active)
    assert {user["login"] for user in active} < {user["login"] for user in everybody}
    assert api.rows("users", filter="nonsense") == active
    assert all(len(role["dateCreated"]) == 7 for user in active for role in user["roles"])
    assert api.error("users", includeInactive="maybe")[1]["field"] == {
        "attribute": "includeInactive",
        "value": "maybe",
    }


@pytest.mark.parametrize(
    ("header", "value", "what"),
    [
        ("x-api-key", None, "is missing"),
        ("x-api-key", "not-the-key", "is wrong"),
        ("x-imn-security-key", None, "is missing"),
        ("x-imn-security-key", "not-the-key", "is wrong"),
    ],
)
def test_keys(api: Any, header: str, value: str | None, what: str) -> None:
    headers = dict(api.pool.headers)
    headers.pop(header)
    if value is not None:
        headers[header] = value
    answer = api.request("GET", f"{ROOT}/studies", headers=headers)
    assert answer.status == 401
    assert answer.json()["metadata"]["error"] == {
        "code": "9001",
        "description": f"The header {header} {what}",
        "field": {"attribute": header, "value": None},
    }
    assert b"not-the-key" not in answer.data
    assert b"demo-" not in answer.data


def test_another_study(api: Any) -> None:
    answer = api.request("GET", f"{ROOT}/studies/OTHER%2FX/sites")
    body = answer.json()
    body["metadata"].pop("timestamp")
    assert answer.status == 403
    assert body == {
        "metadata": {
            "status": "ERROR",
            "method": "GET",
            "path": f"{ROOT}/studies/OTHER/X/sites",
            "error": {
                "code": "9001",
                "description": "No access to this study",
                "field": {"attribute": "studyKey", "value": "OTHER/X"},
            },
        }
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "description"),
    [
        ("GET", "/", 404, "There is nothing at this path"),
        ("GET", ROOT, 404, "There is nothing at this path"),
        ("GET", f"{ROOT}/studies/DEMO", 404, "There is nothing at this path"),
        ("GET", f"{ROOT}/studies/DEMO/studies", 404, "There is nothing at this path"),
        ("GET", f"{ROOT}/studies/DEMO/records/1", 404, "There is nothing at this path"),
        ("GET", f"{ROOT}/studies/DEMO/jobs/x", 404, "No such job"),
        ("POST", f"{ROOT}/studies", 405, "POST is not possible here"),
        ("DELETE", f"{ROOT}/studies/DEMO/records", 405, "DELETE is not possible here"),
        ("PUT", f"{ROOT}/studies/DEMO/jobs/x", 405, "PUT is not possible here"),
    ],
)
def test_nowhere(api: Any, method: str, path: str, status: int, description: str) -> None:
    answer = api.request(method, path)
    metadata = answer.json()["metadata"]
    assert (answer.status, metadata["error"]["description"]) == (status, description)
    assert (metadata["status"], metadata["method"]) == ("ERROR", method)


def test_allowed_methods_are_named(api: Any) -> None:
    assert api.request("PUT", f"{ROOT}/studies").headers["allow"] == "GET"
    assert api.request("PUT", f"{ROOT}/studies/DEMO/records").headers["allow"] == "GET, POST"


def test_requests_are_remembered_without_headers(own: Any) -> None:
    own.get("sites", size=3)
    own.post([])
    assert list(own.simulator.requests) == [
        ("GET", f"{ROOT}/studies/DEMO/sites?size=3"),
        ("POST", f"{ROOT}/studies/DEMO/records"),
    ]
