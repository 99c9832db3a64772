"""The command `imednet {{ cookiecutter.project_slug }}`."""

from __future__ import annotations

from typing import Any

from imednet import ImednetSDK

from {{ cookiecutter.package }} import queries_by_site


def show(study: str, *, only_open: bool = False) -> list[dict[str, Any]]:
    """Count the queries of each site, those with the most open ones first.

    Args:
        study: the study's key
        only_open: leave out sites without open queries
    """
    with ImednetSDK() as sdk:
        rows = queries_by_site(sdk, study)
    return [row for row in rows if row["open"] or not only_open]
