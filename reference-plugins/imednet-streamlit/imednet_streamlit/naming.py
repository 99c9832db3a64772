"""How sites and forms are called on every page: by their names, not by their keys."""

from __future__ import annotations

import pandas as pd

__all__ = ["form_names", "with_forms", "with_sites"]


def form_names(forms: pd.DataFrame) -> dict[str, str]:
    """Return what each form is called, by its key.

    A form without a name is called by its key; of several with the same name each
    has its key behind it. Disabled forms are there too, as old data may be on them.

    Example:
        >>> forms = {"form_key": ["VS", "L1", "L2", "X"], "form_name": ["Vitals", "Lab", "Lab", ""]}
        >>> form_names(pd.DataFrame(forms))
        {'VS': 'Vitals', 'L1': 'Lab (L1)', 'L2': 'Lab (L2)', 'X': 'X'}
    """
    known = forms.dropna(subset=["form_key"]).drop_duplicates("form_key")
    keys, names = known["form_key"].astype("string"), known["form_name"].astype("string")
    names = names.where(names.str.strip() != "").fillna(keys)
    names = names.mask(names.duplicated(keep=False) & (names != keys), names + " (" + keys + ")")
    return dict(zip(keys.tolist(), names.tolist(), strict=True))


def with_forms(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the table with `form_name` in the place of `form_key`, which stands last.

    A form that is not in `names` is called by its key; NA is "No form".
    """
    keys = table["form_key"].astype("string")
    called = keys.map(names).astype("string").fillna(keys).fillna("No form")
    place = table.columns.get_loc("form_key")
    assert isinstance(place, int)
    rest = table.drop(columns="form_key")
    rest.insert(place, "form_name", called)
    return rest.assign(form_key=table["form_key"])


def with_sites(table: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the `site_name` of each `site_id`; NA is "No site".

    Example:
        >>> sites = pd.DataFrame({"site_id": [3], "site_name": ["Corvane"]})
        >>> with_sites(pd.DataFrame({"site_id": [3, None]}), sites)["site_name"].tolist()
        ['Corvane', 'No site']
    """
    called = table["site_id"].map(sites.set_index("site_id")["site_name"])
    return table.assign(site_name=called.astype("string").fillna("No site"))
