"""Scores of sites: worked by hand, and what holds whatever the counts."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imednet_workflows.metrics import funnel_bounds, score_sites
from imednet_workflows.metrics.scores import _adjusted, _checked_cuts, _flags


def counts(*pairs: tuple[Any, Any]) -> pd.DataFrame:
    """A frame with a site a pair (numerator, denominator), numbered from 1."""
    x, d = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return pd.DataFrame({"site_id": range(1, len(pairs) + 1), "numerator": x, "denominator": d})


RATES = counts((5, 10), (5, 10), (20, 10))


def test_rates_by_hand() -> None:
    # mean 30/30 = 1, sigma = sqrt(1/10); z0 = -0.5/0.3162 = -1.5811 twice, 1/0.3162 = 3.1623;
    # phi = (2.5 + 2.5 + 10)/3 = 5, so z = z0/sqrt(5) = -0.7071, -0.7071, 1.4142.
    scored = score_sites(RATES)
    assert list(scored.columns) == ["site_id", "numerator", "denominator", "rate", "score", "flag"]
    assert scored["rate"].tolist() == [0.5, 0.5, 2.0]
    assert scored["score"].tolist() == pytest.approx([-(0.5**0.5), -(0.5**0.5), 2**0.5])
    assert scored["flag"].tolist() == [0, 0, 0]


def test_proportions_by_hand() -> None:
    # mean 6/30 = 0.2, variance 0.16; sigma = sqrt(0.16/10) = 0.126491, sqrt(0.16/20) = 0.0894427;
    # z0 = 0.2/0.126491 = 1.581139, -0.1/0.0894427 = -1.118034; phi = (2.5 + 1.25)/2 = 1.875.
    scored = score_sites(counts((4, 10), (2, 20)), kind="proportion")
    assert scored["score"].tolist() == pytest.approx(
        [(2.5 / 1.875) ** 0.5, -((1.25 / 1.875) ** 0.5)]
    )


def test_leave_one_out_rates_by_hand() -> None:
    # Site 3 beside the others: mean 6/30 = 0.2, both of them at 0.2, so phi = max(1, 0) = 1;
    # z = (0.6 - 0.2)/sqrt(0.2 * (1/20 + 1/30)) = 0.4/0.129099 = 3.098387.
    # Site 1: others 16/40 = 0.4; z_j = (0.2 - 0.4)/sqrt(0.4/20) = -1.414214 and 1.414214;
    # phi = (2 + 2)/(3 - 2) = 4; z = (0.2 - 0.4)/sqrt(4 * 0.4 * (1/10 + 1/40)) = -0.447214.
    scored = score_sites(counts((2, 10), (4, 20), (12, 20)), method="leave_one_out")
    assert scored["score"][2] == pytest.approx(3.098387, abs=1e-6)
    assert scored["score"][0] == pytest.approx(-0.447214, abs=1e-6)
    assert scored["flag"].tolist() == [0, 0, 2]
    # Site 3's 12 of 18 are binomial(18, 20/50): P(X > 12) + P(X = 12)/2, twice.
    each = [math.comb(18, k) * 0.4**k * 0.6 ** (18 - k) for k in range(19)]
    assert scored["p_value"][2] == pytest.approx(2 * (sum(each[13:]) + each[12] / 2))


def test_leave_one_out_proportions_by_hand() -> None:
    # Two sites: each beside the other, phi = 1. Site 1: other 1/4, v = 3/16;
    # z = (3/4 - 1/4)/sqrt(3/16 * (1/4 + 1/4)) = 0.5/0.306186 = 1.632993; site 2 the reverse.
    # 4 marked of 8, 4 drawn, 3 found: P(3) = 4*4/70, P(4) = 1/70; 2 * (1 + 8)/70 = 18/70.
    scored = score_sites(counts((3, 4), (1, 4)), kind="proportion", method="leave_one_out")
    assert scored["score"].tolist() == pytest.approx([1.632993, -1.632993], abs=1e-6)
    assert scored["p_value"].tolist() == pytest.approx([18 / 70, 18 / 70])
    assert scored["p_adjusted"].tolist() == pytest.approx([18 / 70, 18 / 70])


def test_benjamini_hochberg_by_hand() -> None:
    # In order 0.01, 0.03, 0.04, 0.5: times 4/1, 4/2, 4/3, 1 = 0.04, 0.06, 0.0533, 0.5; the
    # second may not be above the third.
    found = _adjusted(np.array([0.01, 0.04, 0.03, 0.5]))
    assert found.tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


@pytest.mark.parametrize(
    ("pairs", "kind"),
    [
        ([(0, 10), (0, 3)], "rate"),  # mean 0
        ([(0, 10), (0, 3)], "proportion"),
        ([(10, 10), (3, 3)], "proportion"),  # mean 1
        ([(1, 10), (3, 30), (7, 70)], "rate"),  # all alike, but for rounding
        ([(1, 10), (3, 30), (7, 70)], "proportion"),
        ([(4, 7)], "rate"),  # one site
    ],
)
def test_degenerate_counts_score_zero(pairs: list[tuple[int, int]], kind: str) -> None:
    scored = score_sites(counts(*pairs), kind=kind)
    assert scored["score"].tolist() == [0] * len(pairs)
    assert scored["flag"].tolist() == [0] * len(pairs)


def test_all_alike_has_flat_bounds() -> None:
    bounds = funnel_bounds(counts((1, 10), (3, 30)), [-2, 2])["bound"]
    assert bounds.tolist() == pytest.approx([0.1] * len(bounds))


@pytest.mark.parametrize("method", ["normal", "leave_one_out"])
@pytest.mark.parametrize("odd", [(0, 0), (3, pd.NA), (pd.NA, 4), (None, None)])
def test_site_without_denominator_is_shown_and_left_out(method: str, odd: Any) -> None:
    kind = "rate"
    with_it = score_sites(counts((5, 10), odd, (5, 10), (20, 10)), method=method, kind=kind)
    without = score_sites(counts((5, 10), (5, 10), (20, 10)), method=method, kind=kind)
    added = list(with_it.columns[3:])
    assert with_it.loc[1, added].isna().all()
    rest = with_it.drop(index=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(rest[added], without[added])


def test_leave_one_out_is_blank_for_one_site() -> None:
    scored = score_sites(counts((5, 10)), method="leave_one_out")
    assert scored.loc[0, ["score", "flag", "p_value", "p_adjusted"]].isna().all()
    assert scored["rate"].tolist() == [0.5]


def test_leave_one_out_is_blank_without_variance_but_has_its_p_value() -> None:
    # Beside sites without events there is no variance; 8 of 8 where 1 in 2 was due: 2 * 1/2^9.
    scored = score_sites(counts((8, 10), (0, 5), (0, 5)), method="leave_one_out")
    assert pd.isna(scored["score"][0])
    assert pd.isna(scored["flag"][0])
    assert scored["p_value"][0] == pytest.approx(2**-8)


@pytest.mark.parametrize("method", ["normal", "leave_one_out"])
@pytest.mark.parametrize("dtype", [object, "float64", "Int64"])
def test_no_sites(method: str, dtype: Any) -> None:
    none = pd.DataFrame({name: [] for name in RATES.columns}, dtype=dtype)
    scored = score_sites(none, method=method)
    assert scored.empty
    assert scored["score"].dtype == "Float64"
    assert scored["flag"].dtype == "Int64"
    assert list(funnel_bounds(none).columns) == ["denominator", "threshold", "bound"]


def test_equal_sites_below_ten_are_never_red() -> None:
    # One of m equal sites differs: z0 is (m - 1, -1, ..., -1) times something, so that
    # z = (m - 1)/sqrt(((m - 1)^2 + (m - 1))/m) = sqrt(m - 1).
    for m, flag in [(9, 1), (11, 2)]:
        scored = score_sites(counts((500, 10), *[(1, 10)] * (m - 1)))
        assert scored["score"][0] == pytest.approx((m - 1) ** 0.5)
        assert scored["flag"][0] == flag


@pytest.mark.parametrize(
    ("cuts", "flags"),
    [
        ((-3, -2, 2, 3), [-1, 0, 0, 1, 2, 2]),
        ((-2, -1, 2, 3), [-2, -1, 0, 1, 2, 2]),
        ((2, 3), [0, 0, 0, 1, 2, 2]),
        ((2.5,), [0, 0, 0, 0, 1, 1]),
    ],
)
def test_cuts_are_half_open(cuts: tuple[float, ...], flags: list[int]) -> None:
    scores = pd.Series([-2.5, -2.0, -1.0, 2.0, 3.0, 9.0], dtype="Float64")
    frame = pd.DataFrame({"numerator": scores, "denominator": scores})
    assert _flags(frame, scores, _checked_cuts(cuts), {}).tolist() == flags


def test_minimum_blanks_the_flag_only() -> None:
    frame = counts((5, 10), (5, 40), (20, 30))
    cases: list[tuple[Any, list[bool]]] = [
        (30, [False, True, True]),
        ({"denominator": 31}, [False, True, False]),
        ({"numerator": 6}, [False, False, True]),
        ({"numerator": 5, "denominator": 10}, [True, True, True]),
    ]
    for minimum, shown in cases:
        scored = score_sites(frame, minimum=minimum)
        assert scored["flag"].notna().tolist() == shown
        assert scored["score"].notna().all()


def test_other_columns_and_the_index_are_kept() -> None:
    frame = RATES.assign(site_name=["a", "b", "c"]).set_index(pd.Index([7, 7, 9]))
    scored = score_sites(frame)
    assert scored["site_name"].tolist() == ["a", "b", "c"]
    assert scored.index.tolist() == [7, 7, 9]


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (
            RATES.drop(columns="denominator"),
            {},
            "counts: column denominator is missing; it has site_id, numerator",
        ),
        (
            counts((1, 10), (2, -3)),
            {},
            "counts: site 2 (2 of -3) has a denominator below 0; count from 0 up",
        ),
        (counts((-1, 3)), {}, "counts: site 1 (-1 of 3) has a numerator below 0; count from 0 up"),
        (
            counts((4, 3)),
            {"kind": "proportion"},
            "counts: site 1 (4 of 3) has a numerator above its denominator; a proportion is at most"
            " 1",
        ),
        (
            RATES.assign(site_id=[1, 1, 2]),
            {},
            "counts: site 1 (5 of 10) has a second row; give one row a site",
        ),
        (
            RATES,
            {"method": "bayes"},
            "method: 'bayes' is not known; use 'normal' or 'leave_one_out'",
        ),
        (RATES, {"kind": "mean"}, "kind: 'mean' is not known; use 'rate' or 'proportion'"),
        (
            RATES,
            {"thresholds": [3, 2]},
            "thresholds: [3, 2] do not rise; give cuts like -3, -2, 2, 3",
        ),
        (RATES, {"thresholds": []}, "thresholds: [] do not rise; give cuts like -3, -2, 2, 3"),
        (
            RATES,
            {"minimum": {"n": 3}},
            "minimum: 'n' is not known; use 'numerator' or 'denominator'",
        ),
        (
            counts((1.5, 3), (1, 2)),
            {"method": "leave_one_out"},
            "counts: 1.5 is not a whole number, which leave_one_out needs; use method='normal'",
        ),
        (
            counts((1, float("inf"))),
            {},
            "counts: site 1 (1 of inf) has a denominator without end; count from 0 up",
        ),
    ],
)
def test_faults_are_named(frame: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        score_sites(frame, **options)


def test_text_is_no_count() -> None:
    with pytest.raises(ValueError, match="counts: numerator has what is no number"):
        score_sites(counts(("x", 3)))


def test_bounds_by_hand() -> None:
    # RATES: mean 1, phi 5, sigma(D) = sqrt(1/D); at D = 5 and t = 3: 1 + 3 * sqrt(5 * 1/5) = 4.
    found = funnel_bounds(RATES, [-2, 0, 3], denominators=[20, 5])
    assert found["denominator"].tolist() == [5, 5, 5, 20, 20, 20]
    assert found["threshold"].tolist() == [-2, 0, 3, -2, 0, 3]
    assert found["bound"].tolist() == pytest.approx([-1, 1, 4, 0, 1, 2.5])


def test_grid_of_bounds() -> None:
    found = funnel_bounds(counts((1, 5), (9, 50)))
    assert (found["denominator"].min(), found["denominator"].max()) == (5, 50)
    assert len(found) == 100 * 4
    with pytest.raises(ValueError, match="denominators: 0 is not above 0; leave it out"):
        funnel_bounds(RATES, denominators=[0, 3])


PAIRS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 200)).map(lambda p: (min(p), max(p))),
    min_size=1,
    max_size=15,
)
KINDS = st.sampled_from(["rate", "proportion"])
METHODS = st.sampled_from(["normal", "leave_one_out"])


@given(PAIRS, KINDS, METHODS, st.randoms())
@settings(max_examples=50, deadline=None)
def test_order_of_sites_does_not_matter(pairs: Any, kind: str, method: str, rng: Any) -> None:
    frame = counts(*pairs)
    turned = frame.sample(frac=1, random_state=rng.randrange(1000))
    found = score_sites(turned, kind=kind, method=method).sort_index()
    told = score_sites(frame, kind=kind, method=method)
    pd.testing.assert_frame_equal(found, told, rtol=1e-8, atol=1e-10)


@given(PAIRS, KINDS)
@settings(max_examples=50, deadline=None)
def test_scores_have_mean_square_one_or_are_zero(pairs: Any, kind: str) -> None:
    scores = score_sites(counts(*pairs), kind=kind)["score"].dropna().astype(float)
    if len(scores):
        assert float((scores**2).mean()) == pytest.approx(1) or (scores == 0).all()


@given(PAIRS, KINDS, st.floats(-4, 4))
@settings(max_examples=50, deadline=None)
def test_bounds_are_where_the_score_is(pairs: Any, kind: str, cut: float) -> None:
    scored = score_sites(counts(*pairs), kind=kind).dropna()
    denominators = sorted(scored["denominator"].unique())
    bounds = funnel_bounds(counts(*pairs), [cut], kind=kind, denominators=denominators or None)
    at = dict(zip(bounds["denominator"], bounds["bound"], strict=True))
    for _, site in scored.iterrows():
        if abs(site["score"] - cut) > 1e-6 and (scored["score"] != 0).any():
            assert (site["score"] > cut) == (site["rate"] > at[site["denominator"]])


@given(PAIRS, st.integers(2, 1000))
@settings(max_examples=50, deadline=None)
def test_unit_of_exposure_does_not_matter(pairs: Any, factor: int) -> None:
    frame = counts(*pairs)
    scaled = frame.assign(denominator=frame["denominator"] * factor)
    for method in ("normal", "leave_one_out"):
        one, other = (score_sites(f, method=method)["score"] for f in (frame, scaled))
        pd.testing.assert_series_equal(one, other, rtol=1e-7, atol=1e-9)


@given(PAIRS, KINDS)
@settings(max_examples=50, deadline=None)
def test_p_values_are_probabilities_and_rise_when_adjusted(pairs: Any, kind: str) -> None:
    scored = score_sites(counts(*pairs), kind=kind, method="leave_one_out").dropna(
        subset=["p_value"]
    )
    assert scored["p_value"].between(0, 1).all()
    assert scored["p_adjusted"].between(scored["p_value"] - 1e-12, 1).all()
