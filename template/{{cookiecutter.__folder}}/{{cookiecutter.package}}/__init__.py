"""{{ cookiecutter.plugin_name }}: the queries of a study, by site and state."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet import ImednetSDK
    from imednet.models import Query

__version__ = "0.1.0"


def queries_by_site(sdk: ImednetSDK, study_key: str) -> list[dict[str, Any]]:
    """Count the queries of each site: a row a site, those with the most open queries first.

    The columns are site_id, site, open, closed and unknown. A query names no site: that
    of its subject counts, and what belongs to no site has a row of its own.
    """
    sites = {site.site_id: site.site_name for site in sdk.sites.list(study_key)}
    site_of = {subject.subject_id: subject.site_id for subject in sdk.subjects.list(study_key)}
    counts: dict[int | None, Counter[str]] = {site_id: Counter() for site_id in sites}
    for query in sdk.queries.iter(study_key):
        site_id = site_of.get(query.subject_id)
        counts.setdefault(site_id, Counter())[state(query)] += 1
    rows = [
        {
            "site_id": site_id,
            "site": sites.get(site_id, "(no site)"),
            **{each: count[each] for each in ("open", "closed", "unknown")},
        }
        for site_id, count in counts.items()
    ]
    return sorted(rows, key=lambda row: -row["open"])


def state(query: Query) -> str:
    """Tell a query's state, by its last comment: open, closed, or unknown if there is none."""
    comments = sorted(query.query_comments or [], key=lambda comment: comment.sequence or 0)
    closed = comments[-1].closed if comments else None
    return {True: "closed", False: "open", None: "unknown"}[closed]
{%- if cookiecutter.named_plugin %}


class {{ cookiecutter.__class }}:
    """What `sdk.plugins.{{ cookiecutter.package }}` is."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def by_site(self, study_key: str) -> list[dict[str, Any]]:
        """Count the queries of each site, as `queries_by_site` does."""
        return queries_by_site(self._sdk, study_key)


def create(sdk: Any) -> Any:
    """Make the plugin for an SDK; with an async one its methods are awaited. Sends nothing."""
    plain = getattr(sdk, "sync", None)
    if plain is None:
        return {{ cookiecutter.__class }}(sdk)
    from imednet.aio import awaited

    return awaited({{ cookiecutter.__class }}(plain))
{%- endif %}
