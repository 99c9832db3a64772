"""Scores of sites: how far a site's rate or proportion is from the others'.

Sources:
    Spiegelhalter D. J. (2005), Funnel plots for comparing institutional
    performance, Statistics in Medicine 24:1185-1202 (over-dispersion).
    Zink R. C., Dmitrienko A., Dmitrienko A. (2018), Rethinking the clinically based
    thresholds of TransCelerate BioPharma for risk-based monitoring, Therapeutic
    Innovation & Regulatory Science 52:560-571 (normal approximation).
    OpenRBQM's gsm.core (the same score, and cuts that are closed below).
    Benjamini Y., Hochberg Y. (1995), Journal of the Royal Statistical Society B
    57:289-300 (adjusted p-values).
    Lancaster H. O. (1961), Journal of the American Statistical Association
    56:223-234 (mid-p).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from imednet_workflows.metrics.special import binomial_mid_p, hypergeometric_mid_p
from imednet_workflows.metrics.tools import Column, need, one_of

__all__ = ["THRESHOLDS", "funnel_bounds", "score_sites"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

#: Where flags change, unless other cuts are given.
THRESHOLDS = (-3.0, -2.0, 2.0, 3.0)

_COLUMNS = ("site_id", "numerator", "denominator")


def score_sites(
    counts: pd.DataFrame,
    *,
    method: str = "normal",
    kind: str = "rate",
    thresholds: Sequence[float] = THRESHOLDS,
    minimum: Mapping[str, float] | float | None = None,
) -> pd.DataFrame:
    """Return the counts with each site's rate, score and flag.

    `counts` has `site_id`, `numerator` and `denominator`; other columns are kept.
    `kind` is "rate" (events per exposure) or "proportion" (some out of all).

    `method` "normal" compares with the mean of all sites under over-dispersion;
    sites that are all alike score 0. "leave_one_out" compares with the other
    sites only, which also works for few (with m equal sites the first can never
    exceed the square root of m - 1), and adds an exact `p_value`.

    `thresholds` are rising cuts: the flag is the number of cuts that the score
    has reached (score >= cut) less the number of cuts below zero; with the
    default cuts -2, -1, 0, 1, 2. `minimum` is what must have accrued for a flag:
    `{"denominator": 30}`, `{"numerator": 3}`, or a number for the denominator.

    Added columns: `rate` (numerator per unit of the denominator, a fraction),
    `score` (standard deviations), `flag`, and for "leave_one_out" `p_value`
    (two-sided mid-p) and `p_adjusted` (Benjamini-Hochberg over the sites).
    NA: all of them where the denominator is 0 or NA or the numerator NA (such a
    site has no part in the others' scores either); `flag` where less than
    `minimum` has accrued; with "leave_one_out" also the score where the other
    sites have no variance, and everything but the rate with fewer than two sites.

    Raises ValueError for a missing column, a site named twice, a negative count,
    a proportion above 1, counts that are not whole where the exact p-value needs
    them, and unknown settings. Sources: see the module.

    Example:
        >>> counts = pd.DataFrame(
        ...     {"site_id": [1, 2, 3], "numerator": [5, 5, 20], "denominator": [10, 10, 10]})
        >>> score_sites(counts)["score"].round(3).tolist()
        [-0.707, -0.707, 1.414]
    """
    one_of(method, ("normal", "leave_one_out"), "method")
    found = _checked(counts, kind)
    cuts = _checked_cuts(thresholds)
    used = _used(found)
    x, d = _numbers(found[used])
    scored = counts.copy()
    scored["rate"] = _spread(x / d, used)
    scored["score"] = _spread(
        _normal(x, d, kind) if method == "normal" else _alone(x, d, kind), used
    )
    scored["flag"] = _flags(found, scored["score"], cuts, _least(minimum))
    if method == "leave_one_out":
        p_values = _mid_ps(x, d, kind)
        scored["p_value"] = _spread(p_values, used)
        scored["p_adjusted"] = _spread(_adjusted(p_values), used)
    return scored


def funnel_bounds(
    counts: pd.DataFrame,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    kind: str = "rate",
    denominators: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Return the rates at which a site would score each threshold, for a funnel plot.

    `counts` and `kind` as for `score_sites` (method "normal"). `denominators` are
    the points of the grid, by default 100 from the smallest to the largest.

    Columns: `denominator`, `threshold`, `bound` (a rate; 0 as a threshold gives
    the mean of all sites). Bounds are not cut off at 0 or 1: one outside cannot
    be reached. Where the sites are all alike, every bound is their mean. Empty if
    no site has a denominator. Raises ValueError as `score_sites` does.

    Source: Spiegelhalter (2005), see the module.

    Example:
        >>> counts = pd.DataFrame(
        ...     {"site_id": [1, 2, 3], "numerator": [5, 5, 20], "denominator": [10, 10, 10]})
        >>> funnel_bounds(counts, [0, 2], denominators=[10])["bound"].tolist()
        [1.0, 2.414213562373095]
    """
    found = _checked(counts, kind)
    cuts = _checked_cuts(thresholds)
    x, d = _numbers(found[_used(found)])
    if not len(d):
        empty: Numbers = np.array([], dtype=float)
        return pd.DataFrame({"denominator": empty, "threshold": empty, "bound": empty})
    grid = np.linspace(d.min(), d.max(), 100) if denominators is None else np.array(denominators)
    if not (grid > 0).all():
        raise ValueError(f"denominators: {grid.min()} is not above 0; leave it out")
    grid = np.unique(grid.astype(float))
    mean, variance = _mean(x, d, kind)
    width = np.sqrt(_dispersion(x, d, kind) * variance / grid)
    return pd.DataFrame(
        {
            "denominator": np.repeat(grid, len(cuts)),
            "threshold": np.tile(cuts, len(grid)),
            "bound": (mean + np.outer(width, cuts)).ravel(),
        }
    )


def _checked(counts: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the counts as numbers with NA, or raise ValueError that names site and fault."""
    one_of(kind, ("rate", "proportion"), "kind")
    need(counts, _COLUMNS, "counts")
    found = counts.copy()
    for name in _COLUMNS[1:]:
        found[name] = _as_numbers(counts, name)
        _refuse(counts, found[name] < 0, f"{name} below 0", "count from 0 up")
    if kind == "proportion":
        over = found["numerator"] > found["denominator"]
        _refuse(counts, over, "numerator above its denominator", "a proportion is at most 1")
    _refuse(counts, counts["site_id"].duplicated(), "second row", "give one row a site")
    return found


def _as_numbers(counts: pd.DataFrame, name: str) -> Column:
    try:
        numbers: Column = pd.to_numeric(counts[name]).astype("Float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"counts: {name} has what is no number ({error}); give counts") from error
    _refuse(counts, numbers == np.inf, f"{name} without end", "count from 0 up")
    return numbers


def _refuse(counts: pd.DataFrame, wrong: Column, what: str, cure: str) -> None:
    bad = counts[wrong.fillna(False).astype(bool)]
    if len(bad):
        site, x, d = (bad[name].iloc[0] for name in _COLUMNS)
        raise ValueError(f"counts: site {site} ({x} of {d}) has a {what}; {cure}")


def _checked_cuts(thresholds: Sequence[float]) -> Numbers:
    cuts = np.array(thresholds, dtype=float)
    if cuts.ndim != 1 or not len(cuts) or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
        raise ValueError(f"thresholds: {list(thresholds)} do not rise; give cuts like -3, -2, 2, 3")
    return cuts


def _least(minimum: Mapping[str, float] | float | None) -> Mapping[str, float]:
    if minimum is None:
        return {}
    least = minimum if isinstance(minimum, Mapping) else {"denominator": minimum}
    for name in least:
        one_of(name, ("numerator", "denominator"), "minimum")
    return least


def _used(counts: pd.DataFrame) -> Column:
    known = (counts["denominator"] > 0) & counts["numerator"].notna()
    return known.fillna(False).astype(bool)


def _numbers(counts: pd.DataFrame) -> tuple[Numbers, Numbers]:
    return counts["numerator"].to_numpy(dtype=float), counts["denominator"].to_numpy(dtype=float)


def _spread(values: Numbers, used: Column) -> Column:
    """Return the values at the rows used, NA (also for NaN) at all others."""
    full = np.full(len(used), np.nan)
    full[used.to_numpy()] = values
    return pd.Series(pd.array(full, dtype="Float64"), index=used.index).mask(np.isnan(full))


def _mean(x: Numbers, d: Numbers, kind: str) -> tuple[float, float]:
    """Return the mean of all sites, and the variance of one unit of the denominator."""
    mean = float(x.sum() / d.sum())
    return mean, mean if kind == "rate" else mean * (1 - mean)


def _gap(rates: Numbers, mean: Any) -> Numbers:
    """Return rates less mean, exactly 0 where they differ by rounding only."""
    gap: Numbers = rates - mean
    return np.where(np.abs(gap) <= 1e-13 * (np.abs(rates) + np.abs(mean)), 0.0, gap)


def _plain(x: Numbers, d: Numbers, kind: str) -> Numbers:
    """Return the scores before over-dispersion, 0 where there is no variance."""
    mean, variance = _mean(x, d, kind)
    if variance <= 0:
        return np.zeros_like(d)
    return _gap(x / d, mean) / np.sqrt(variance / d)


def _dispersion(x: Numbers, d: Numbers, kind: str) -> float:
    return float(np.mean(_plain(x, d, kind) ** 2))


def _normal(x: Numbers, d: Numbers, kind: str) -> Numbers:
    if not len(d):
        return d
    spread = _dispersion(x, d, kind)
    return _plain(x, d, kind) / np.sqrt(spread) if spread > 0 else np.zeros_like(d)


def _alone(x: Numbers, d: Numbers, kind: str) -> Numbers:
    """Return the leave-one-out scores; NaN where blank."""
    m = len(d)
    if m < 2:
        return np.full(m, np.nan)
    rates, others = x / d, d.sum() - d
    means = (x.sum() - x) / others
    variances = means if kind == "rate" else means * (1 - means)
    variances = np.where(variances > 0, variances, np.nan)
    squares = _gap(rates[None, :], means[:, None]) ** 2 * d[None, :] / variances[:, None]
    np.fill_diagonal(squares, 0.0)
    spread = np.maximum(1.0, squares.sum(axis=1) / (m - 2)) if m > 2 else np.ones(m)
    scores: Numbers = _gap(rates, means) / np.sqrt(spread * variances * (1 / d + 1 / others))
    return scores


def _flags(found: pd.DataFrame, score: Column, cuts: Numbers, least: Mapping[str, float]) -> Column:
    below = int((cuts < 0).sum())
    reached = np.searchsorted(cuts, score.to_numpy(dtype=float, na_value=0.0), side="right")
    flags: Column = pd.Series(reached - below, index=score.index, dtype="Int64")
    enough = score.notna()
    for name, value in least.items():
        enough &= (found[name] >= value).fillna(False).astype(bool)
    return flags.where(enough)


def _mid_ps(x: Numbers, d: Numbers, kind: str) -> Numbers:
    """Return each site's exact p-value given the sum over all sites."""
    whole = x if kind == "rate" else np.concatenate([x, d])
    if (whole != np.floor(whole)).any():
        broken = whole[whole != np.floor(whole)][0]
        raise ValueError(
            f"counts: {broken} is not a whole number, which leave_one_out needs;"
            " use method='normal'"
        )
    if len(d) < 2:
        return np.full(len(d), np.nan)
    total, exposure = int(x.sum()), d.sum()
    pairs = zip(x.astype(int), d, strict=True)
    if kind == "rate":
        return np.array([binomial_mid_p(int(k), total, float(n / exposure)) for k, n in pairs])
    return np.array([hypergeometric_mid_p(int(k), int(n), total, int(exposure)) for k, n in pairs])


def _adjusted(p_values: Numbers) -> Numbers:
    """Return p-values adjusted by Benjamini and Hochberg."""
    if not len(p_values) or np.isnan(p_values).any():
        return p_values
    order = np.argsort(-p_values, kind="stable")
    ranks = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(p_values[order] * len(ranks) / ranks))
    return adjusted
