"""The few special functions that the metrics need, so that pandas stays the only dependency."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["beta_cdf", "beta_odds", "binomial_mid_p", "hypergeometric_mid_p"]


def beta_cdf(log_odds: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) at x with these log-odds.

    The log-odds, log(x / (1 - x)), keep x and 1 - x exact near 0 and 1. By the
    continued fraction of DLMF 8.17.22, and I_x(a, b) = 1 - I_(1-x)(b, a) where
    that converges faster (DLMF 8.17.4).

    Example:
        >>> round(beta_cdf(0.0, 2.0, 2.0), 12)  # x = 1/2, symmetrical
        0.5
    """
    if log_odds > math.log((a + 1) / (b + 1)):
        return 1.0 - _beta_tail(-log_odds, b, a)
    return _beta_tail(log_odds, a, b)


def _log_share(log_odds: float) -> float:
    """Return log(x) of x with these log-odds."""
    if log_odds > 0:
        return -math.log1p(math.exp(-log_odds))
    return log_odds - math.log1p(math.exp(log_odds))


def _beta_tail(log_odds: float, a: float, b: float) -> float:
    log_x = _log_share(log_odds)
    log_front = a * log_x + b * _log_share(-log_odds) - math.log(a)
    log_front -= math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    if log_front < -745:
        return 0.0
    return math.exp(log_front) / _beta_fraction(math.exp(log_x), a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, by the modified method of Lentz."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for n in range(1, 1000 + int(20 * math.sqrt(max(a, b)))):
        m = n // 2
        if n % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + step * d) or tiny)
        c = (1 + step / c) or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def beta_odds(p: float, a: float, b: float) -> float:
    """Return the odds x / (1 - x) at the quantile p of a beta(a, b) distribution.

    Times b / a this is the quantile p of an F distribution with 2a and 2b degrees
    of freedom (DLMF 8.17; Johnson, Kotz & Balakrishnan 1995, chapter 27). By
    bisection on the log-odds, to about 12 digits.

    Example:
        >>> round(beta_odds(0.5, 3.0, 3.0), 9)
        1.0
    """
    low = high = math.log(a / b)
    step = 1.0
    while beta_cdf(low, a, b) > p:
        low, step = low - step, step * 2
    step = 1.0
    while beta_cdf(high, a, b) < p and high < 700:
        high, step = min(high + step, 700.0), step * 2
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(middle, a, b) < p else (low, middle)
    return math.exp((low + high) / 2)


def binomial_mid_p(x: int, n: int, p: float) -> float:
    """Return the two-sided mid-p of x successes in n trials: twice the smaller tail.

    A tail holds half of the probability of x itself (Lancaster 1961).

    Example:
        >>> binomial_mid_p(0, 2, 0.5)  # 2 * (1/2 * 1/4)
        0.25
    """
    if x > n * p:
        x, p = n - x, 1 - p
    log_p = x * math.log(p) + (n - x) * math.log1p(-p)
    log_p += math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
    below = np.arange(x, max(0, x - _reach(n * p * (1 - p))), -1, dtype=float)
    return _mid_p(log_p, below * (1 - p) / ((n - below + 1) * p))


def hypergeometric_mid_p(x: int, drawn: int, marked: int, total: int) -> float:
    """Return the two-sided mid-p of x marked among those drawn from total without putting back.

    Example:
        >>> round(hypergeometric_mid_p(2, 2, 2, 4), 12)  # 2 * (1/2 * 1/6)
        0.166666666667
    """
    mean = drawn * marked / total
    if x > mean:
        x, marked = drawn - x, total - marked
        mean = drawn - mean
    log_p = _log_choose(marked, x) + _log_choose(total - marked, drawn - x)
    log_p -= _log_choose(total, drawn)
    lowest = max(0, drawn + marked - total, x - _reach(mean))
    k = np.arange(x, lowest, -1, dtype=float)
    steps = k * (total - marked - drawn + k) / ((marked - k + 1) * (drawn - k + 1))
    return _mid_p(log_p, steps)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _reach(variance: float) -> int:
    """How many terms of a tail can matter: below the mean the rest is under 1e-17 of it."""
    return 60 + int(10 * math.sqrt(variance))


def _mid_p(log_p: float, steps: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return the mid-p from log P(x) and the ratios P(k - 1) / P(k) downwards from x."""
    lower = math.exp(log_p) * (0.5 + float(np.cumprod(steps).sum()))
    return min(1.0, 2 * min(lower, 1 - lower))
