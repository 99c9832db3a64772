"""When will so many more be enrolled? The Poisson-gamma forecast.

Source: Anisimov V. V., Fedorov V. V. (2007), Modelling, prediction and adaptive
adjustment of recruitment in multicentre trials, Statistics in Medicine 26:4958-4975.
Sites enrol at rates that are themselves drawn from a gamma distribution, so that a
site's count is negative binomial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.enrolment import enrolment_funnel, site_enrolment
from imednet_workflows.metrics.special import beta_cdf, beta_odds
from imednet_workflows.metrics.tools import calendar_day, moment, need, within

__all__ = ["Forecast", "forecast", "forecast_enrolment", "gamma_prior"]

QUANTILES = (0.1, 0.5, 0.9)
_LONGEST = 3650.0
_POINTS = 50


@dataclass(frozen=True)
class Forecast:
    """When `more` subjects will have been enrolled, or why that cannot be told.

    `reason` is "" if there is a forecast. The rate of all open sites together is
    Gamma with `shape` (A) and `rate` (B, days); `pooled` tells that the sites are so
    alike that they were taken as one. `days` has a row a quantile: `probability`
    that they are there by then, `days` from `asof`, `date` (NA if over a century
    away). `band` is for the curve: `days` from `asof`, `date`, and the 10, 50 and 90 %
    quantiles `low`, `middle`, `high` of how many more there are by then (at most
    ten years ahead). Both are empty if there is no forecast.
    """

    more: int | None
    reason: str
    days: pd.DataFrame
    band: pd.DataFrame
    shape: float | None = None
    rate: float | None = None
    pooled: bool = False


def forecast_enrolment(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    more: int | None = None,
) -> Forecast:
    """Return the forecast of when `more` subjects are enrolled.

    None is as many as the targets still lack, enrolled by the sites that have one; the
    names of targets that no site has are then in `days.attrs["unknown_targets"]`.
    No forecast, with the reason in words: under 3 enrolled, no open site, nobody
    more to enrol, or neither `more` nor targets given. Raises ValueError if `more`
    is below 0, a frame lacks a column, or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> forecast_enrolment(example_study(), asof=date(2026, 3, 2), more=10).reason
        'only 2 enrolled: a forecast needs at least 3'
    """
    sites = site_enrolment(frames, config, asof=asof)
    if more is None:
        funnel = enrolment_funnel(frames, config, asof=asof)
        aimed = funnel[funnel["planned"].notna()]
        if aimed.empty:
            given = ", ".join(config.targets) if config is not None else ""
            why = f"no site is called {given}" if given else "no targets"
            return _none(None, f"{why}: give `more`, or targets in the configuration")
        more = max(0, int(aimed["planned"].sum() - aimed["enrolled"].sum()))
        sites["open"] &= within(sites["site_id"], aimed["site_id"])
        found = forecast(sites, more, asof=asof)
        found.days.attrs |= funnel.attrs
        return found
    return forecast(sites, more, asof=asof)


def forecast(sites: pd.DataFrame, more: int, *, asof: date) -> Forecast:
    """Return the forecast from sites' `enrolled`, `days` and `open` (see `site_enrolment`).

    Sites with 0 days have no part in it. Raises ValueError as `forecast_enrolment`.

    Example:
        >>> sites = pd.DataFrame(
        ...     {"enrolled": [10, 10], "days": [100, 100], "open": [True, True]})
        >>> made = forecast(sites, 10, asof=date(2026, 3, 2))
        >>> made.pooled, made.shape, made.rate
        (True, 20.5, 100.0)
        >>> made.days["days"].round(1).tolist()
        [28.6, 47.9, 78.1]
    """
    need(sites, ["enrolled", "days", "open"], "sites")
    if more < 0:
        raise ValueError(f"more: {more} is below 0; say how many are still to be enrolled")
    counts = sites["enrolled"].to_numpy(dtype=float, na_value=0.0)
    spans = sites["days"].to_numpy(dtype=float, na_value=0.0)
    is_open = sites["open"].fillna(False).to_numpy(dtype=bool)
    if min(counts.min(initial=0), spans.min(initial=0)) < 0:
        raise ValueError("sites: enrolled or days below 0; count from 0 up")
    counted = spans > 0
    if reason := _reason(counts, is_open & counted, more) or _unplaced(counts[counted]):
        return _none(more, reason)
    counts, spans, is_open = counts[counted], spans[counted], is_open[counted]
    shape, rate, pooled = _total(counts, spans, is_open)
    odds = [beta_odds(p, float(more), shape) for p in QUANTILES]
    start = calendar_day(moment(asof))
    days = pd.DataFrame({"probability": QUANTILES, "days": [rate * value for value in odds]})
    days["date"] = _dates(days["days"], start)
    band = _band(shape, rate, min(float(days["days"].iloc[-1]), _LONGEST), start)
    return Forecast(more, "", days, band, shape, rate, pooled)


def _reason(counts: Any, is_open: Any, more: int) -> str:
    total = int(counts.sum())
    if total < 3:
        return f"only {total} enrolled: a forecast needs at least 3"
    if not is_open.any():
        return "no site is open: see `site_open` of the configuration's statuses"
    return "" if more else "nobody more to enrol"


def _unplaced(counts: Any) -> str:
    total = int(counts.sum())
    return "" if total >= 3 else f"only {total} enrolled at sites with days of enrolment"


def _none(more: int | None, reason: str) -> Forecast:
    days = pd.DataFrame({"probability": [], "days": []}, dtype="float64")
    band = pd.DataFrame({"days": []}, dtype="float64")
    for frame in (days, band):
        frame["date"] = pd.Series([], dtype="datetime64[us]")
    band = band.assign(**{name: pd.Series([], dtype="Int64") for name in ("low", "middle", "high")})
    return Forecast(more, reason, days, band)


def _dates(days: pd.Series[Any], start: pd.Timestamp) -> pd.Series[Any]:
    near = days.where(days < 36525)
    return (start + pd.to_timedelta(near.round(), unit="D")).astype("datetime64[us]")


def _total(counts: Any, spans: Any, is_open: Any) -> tuple[float, float, bool]:
    """Return shape and rate of the gamma distribution of all open sites' rate together."""
    prior = gamma_prior(counts, spans)
    if prior is None:
        return float(counts.sum()) + 0.5, float(spans.sum() / is_open.sum()), True
    shapes = prior[0] + counts[is_open]
    rates = prior[1] + spans[is_open]
    mean, variance = float((shapes / rates).sum()), float((shapes / rates**2).sum())
    return mean**2 / variance, mean / variance, False


def gamma_prior(counts: Any, spans: Any) -> tuple[float, float] | None:
    """Return shape and rate of the sites' rates by maximum likelihood, None where it diverges.

    `counts` were enrolled in `spans` (days, above 0). For each shape the best mean
    rate solves one falling equation; the shape is then searched on a grid of its
    logarithm and refined by golden section. Where no shape does better than the
    limit in which all sites have one rate (a Poisson distribution), None.

    Example:
        >>> gamma_prior([5, 5, 5], [100, 100, 100]) is None
        True
        >>> shape, rate = gamma_prior([1, 2, 30], [100, 100, 100])
        >>> round(shape, 3), round(rate, 2)
        (0.604, 5.49)
    """
    k, t = np.asarray(counts, dtype=float), np.asarray(spans, dtype=float)
    more_than = np.array([(k > j).sum() for j in range(int(k.max(initial=0)))])
    if not len(more_than):
        return None

    def likelihood(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        mean = _best_mean(shape, k, t)
        rising = (more_than * np.log1p(np.arange(len(more_than)) / shape)).sum()
        falling = ((shape + k) * np.log1p(mean * t / shape)).sum()
        return float(rising - falling + (k * np.log(mean * t)).sum())

    grid = np.linspace(np.log(1e-3), np.log(1e6), 84)
    values = [likelihood(point) for point in grid]
    best = int(np.argmax(values))
    mean = k.sum() / t.sum()
    poisson = float((k * np.log(mean * t) - mean * t).sum())
    if best == len(grid) - 1 or values[best] <= poisson + 1e-9:
        return None
    low, high = grid[max(0, best - 1)], grid[best + 1]
    shape = float(np.exp(_golden(likelihood, float(low), float(high))))
    return shape, shape / _best_mean(shape, k, t)


def _best_mean(shape: float, k: Any, t: Any) -> float:
    """Return the mean rate at which the likelihood of a shape is greatest, by bisection."""
    rates = k / t
    low, high = float(rates.min()), float(rates.max())
    for _ in range(60):
        mean = (low + high) / 2
        slope = ((k - mean * t) / (shape + mean * t)).sum()
        low, high = (mean, high) if slope > 0 else (low, mean)
    return (low + high) / 2


def _golden(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one peak between low and high is greatest."""
    part = (5**0.5 - 1) / 2
    left, right = high - part * (high - low), low + part * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-7:
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - part * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + part * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _band(shape: float, rate: float, horizon: float, start: pd.Timestamp) -> pd.DataFrame:
    days = np.linspace(0, horizon, _POINTS + 1)[1:]
    band = pd.DataFrame({"days": days})
    band["date"] = _dates(band["days"], start)
    for name, p in zip(("low", "middle", "high"), QUANTILES, strict=True):
        found = [_count_quantile(p, float(day), shape, rate) for day in days]
        band[name] = pd.array(found, dtype="Int64")
    return band


def _count_quantile(p: float, day: float, shape: float, rate: float) -> int:
    """Return the least number n with P(at most n enrolled in so many days) >= p.

    The number is negative binomial; more than n are there with the probability
    that the time of the n + 1st has come.
    """
    log_odds = float(np.log(day / rate))

    def too_few(number: int) -> bool:
        return 1 - beta_cdf(log_odds, number + 1, shape) < p

    low, high = -1, 1
    while too_few(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if too_few(middle) else (low, middle)
    return high
