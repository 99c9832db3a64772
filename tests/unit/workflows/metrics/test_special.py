"""The special functions: by hand, by symmetry, and beside scipy where it is installed."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from imednet_workflows.metrics.special import (
    beta_cdf,
    beta_odds,
    binomial_mid_p,
    hypergeometric_mid_p,
)


def logit(x: float) -> float:
    return math.log(x / (1 - x))


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [
        (0.25, 1, 1, 0.25),  # uniform
        (0.25, 2, 1, 0.0625),  # x squared
        (0.25, 1, 2, 0.4375),  # 1 - (1 - x) squared
        (0.3, 2, 2, 0.216),  # 3 x^2 - 2 x^3 = 0.27 - 0.054
        (0.5, 40, 40, 0.5),
        (0.25, 0.5, 0.5, 1 / 3),  # 2/pi * arcsin(sqrt(x)) = 2/pi * pi/6
    ],
)
def test_beta_by_hand(x: float, a: float, b: float, expected: float) -> None:
    assert beta_cdf(logit(x), a, b) == pytest.approx(expected, rel=1e-13)


@given(st.floats(-30, 30), st.floats(0.5, 2000), st.floats(0.5, 2000))
@settings(max_examples=50, deadline=None)
def test_beta_mirrors(y: float, a: float, b: float) -> None:
    assert beta_cdf(y, a, b) + beta_cdf(-y, b, a) == pytest.approx(1, abs=1e-10)


@given(st.floats(0.001, 0.999), st.floats(0.5, 5000), st.floats(0.5, 5000))
@settings(max_examples=50, deadline=None)
def test_quantile_leads_back(p: float, a: float, b: float) -> None:
    assert beta_cdf(math.log(beta_odds(p, a, b)), a, b) == pytest.approx(p, rel=1e-8)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("a", "b"), [(1, 0.5), (10, 20.5), (500, 3.5), (3, 90_000), (2e4, 1e6)])
def test_f_quantile_beside_scipy(p: float, a: float, b: float) -> None:
    expected = stats.f.ppf(p, 2 * a, 2 * b)
    assert beta_odds(p, a, b) * b / a == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("y", [-600.0, -40.0, -3.0, 0.0, 2.0, 40.0, 600.0])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3, 700), (2000, 1500), (1e5, 8.5)])
def test_beta_beside_scipy(y: float, a: float, b: float) -> None:
    x = special.expit(y)
    assert beta_cdf(y, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-8, abs=1e-12)


def exact_mid_p(probabilities: list[Fraction], x: int) -> float:
    lower = sum(probabilities[:x]) + probabilities[x] / 2
    return float(min(Fraction(1), 2 * min(lower, 1 - lower)))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 19))
@settings(max_examples=50, deadline=None)
def test_binomial_beside_fractions(n: int, x: int, twentieths: int) -> None:
    x, p = min(x, n), Fraction(twentieths, 20)
    each = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    assert binomial_mid_p(x, n, float(p)) == pytest.approx(exact_mid_p(each, x), rel=1e-9)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=50, deadline=None)
def test_hypergeometric_beside_fractions(total: int, drawn: int, marked: int, x: int) -> None:
    drawn, marked = min(drawn, total), min(marked, total)
    x = min(max(x, drawn + marked - total, 0), drawn, marked)
    ways = [math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(drawn + 1)]
    each = [Fraction(way, math.comb(total, drawn)) for way in ways]
    found = hypergeometric_mid_p(x, drawn, marked, total)
    assert found == pytest.approx(exact_mid_p(each, x), rel=1e-9)


@pytest.mark.parametrize("x", [0, 900, 990, 1000, 1013, 1200, 100_000])
def test_large_counts_beside_scipy(x: int) -> None:
    n, p = 100_000, 0.01
    lower = stats.binom.cdf(x - 1, n, p) + stats.binom.pmf(x, n, p) / 2
    upper = stats.binom.sf(x, n, p) + stats.binom.pmf(x, n, p) / 2
    found = binomial_mid_p(x, n, p)
    assert found == pytest.approx(2 * min(lower, upper), rel=1e-6, abs=1e-300)
    total = 1_000_000
    law = stats.hypergeom(total, 10_000, n)
    if x <= 10_000:
        lower, upper = law.cdf(x - 1) + law.pmf(x) / 2, law.sf(x) + law.pmf(x) / 2
        found = hypergeometric_mid_p(x, n, 10_000, total)
        assert found == pytest.approx(2 * min(lower, upper), rel=1e-5, abs=1e-250)
