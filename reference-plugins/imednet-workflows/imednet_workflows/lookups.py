"""What people call things, found in a study: sites, forms, intervals by key, name or id."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from imednet import ImednetSDK
from imednet.models import Form, Interval, Site

__all__ = ["find_form", "find_interval", "find_site", "side_by_side", "site_ids", "with_site_ids"]

T = TypeVar("T")
Name = str | int


def _find(rows: Iterable[T], wanted: Name, what: str, id_field: str, *names: str) -> T:
    """Find the one row with this id, key or name; text is compared without regard to case."""
    found = list(rows)
    if isinstance(wanted, bool) or not isinstance(wanted, (str, int)):
        raise ValueError(f"{what} is {wanted!r}: give a key, a name or an id")
    if isinstance(wanted, int):
        hits = [row for row in found if getattr(row, id_field) == wanted]
    else:
        hits = _named(found, wanted, names)
        if not hits and wanted.strip().isdecimal():
            hits = [row for row in found if getattr(row, id_field) == int(wanted)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        ids = ", ".join(str(getattr(row, id_field)) for row in hits)
        raise ValueError(f"{what} {wanted!r} means several: give one of the ids {ids}")
    known = [str(getattr(row, names[0])) for row in found]
    called = [str(getattr(row, name)) for row in found for name in names]
    near = difflib.get_close_matches(str(wanted), called, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {_listed(known)}"
    raise ValueError(f"there is no {what} {wanted!r} in the study: {hint}")


def _named(rows: list[T], wanted: str, names: tuple[str, ...]) -> list[T]:
    for same in (str, str.casefold):
        for name in names:
            named = [row for row in rows if getattr(row, name) is not None]
            hits = [row for row in named if same(getattr(row, name)) == same(wanted.strip())]
            if hits:
                return hits
    return []


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown or "none"


def find_site(sites: Iterable[Site], wanted: Name) -> Site:
    """Return the site with this name or id; ValueError where there is none, with what there is."""
    return _find(sites, wanted, "site", "site_id", "site_name")


def find_form(forms: Iterable[Form], wanted: Name) -> Form:
    """Return the form with this key, name or id; ValueError where there is none."""
    return _find(forms, wanted, "form", "form_id", "form_key", "form_name")


def find_interval(intervals: Iterable[Interval], wanted: Name) -> Interval:
    """Return the interval with this name or id; ValueError where there is none."""
    return _find(intervals, wanted, "interval", "interval_id", "interval_name")


def site_ids(sdk: ImednetSDK, study_key: str, sites: Name | Iterable[Name]) -> list[int]:
    """Return the ids of sites given by name or id, one or several."""
    wanted = [sites] if isinstance(sites, (str, int)) else list(sites)
    known = sdk.sites.list(study_key)
    return [site.site_id for each in wanted if (site := find_site(known, each)).site_id is not None]


def with_site_ids(
    sdk: ImednetSDK, study_key: str, conditions: dict[str, Any] | None
) -> dict[str, Any]:
    """Return conditions in which `site_name` has become `site_id`, for lists without names."""
    given = dict(conditions or {})
    if "site_name" in given:
        if "site_id" in given:
            raise ValueError("site_name and site_id are both given: give one of them")
        given["site_id"] = site_ids(sdk, study_key, given.pop("site_name"))
    return given


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at once and return their results in order; the first error is raised."""
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
