"""Enrolment: funnel, curve and forecast, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from imednet.models import SiteTarget, StudyConfiguration
from imednet_workflows import metrics as m
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.forecast import gamma_prior

ASOF = date(2026, 3, 2)
Build = Callable[..., StudyFrames]


@pytest.fixture
def study(build: Build, at: Callable[..., datetime]) -> StudyFrames:
    statuses = [
        ("Enrolled", 1, at(1, 10)),
        ("ENROLLED", 1, None),
        ("Completed", 1, at(1, 12)),
        ("Withdrawn", 1, at(1, 12)),
        ("Screen Failure", 1, None),
        ("Screening", 2, None),
        ("In Follow-up", 2, at(1, 20)),  # a word of no meaning, but enrolled on a date
        ("In Follow-up", 2, None),
        ("Enrolled", None, at(2, 1)),
        ("Enrolled", 2, at(3, 20)),  # later than asof
    ]
    subjects: list[dict[str, Any]] = [
        {"subject_id": n, "subject_status": s, "site_id": site, "enrollment_start_date": begun}
        for n, (s, site, begun) in enumerate(statuses)
    ]
    subjects.append({"subject_id": 99, "subject_status": "Enrolled", "site_id": 2, "deleted": True})
    later = {"subject_id": 98, "subject_status": "Screening", "site_id": 2}
    subjects.append({**later, "date_created": at(3, 5)})
    return build(
        sites=[
            {
                "site_id": 1,
                "site_name": "North",
                "site_enrollment_status": "ENROLLMENT_OPEN",
                "date_created": at(1, 1),
            },
            {
                "site_id": 2,
                "site_name": "South",
                "site_enrollment_status": "Enrollment Closed",
                "date_created": at(1, 1),
                "date_modified": at(2, 10),
            },
            {"site_id": 3, "site_name": "West", "site_enrollment_status": "Not Yet Active"},
        ],
        subjects=subjects,
    )


def test_funnel_by_hand(study: StudyFrames) -> None:
    config = StudyConfiguration(
        targets={"North": SiteTarget(planned=8), "Nort": SiteTarget(planned=1)}
    )
    funnel = m.enrolment_funnel(study, config, asof=ASOF)
    assert funnel["site_id"].tolist() == [1, 2, 3, pd.NA]
    assert funnel["site_name"].tolist() == ["North", "South", "West", pd.NA]
    assert funnel["screened"].tolist() == [5, 4, 0, 1]
    assert funnel["screen_failures"].tolist() == [1, 0, 0, 0]
    assert funnel["enrolled"].tolist() == [4, 1, 0, 1]
    assert funnel["completed"].tolist() == [1, 0, 0, 0]
    assert funnel["discontinued"].tolist() == [1, 0, 0, 0]
    assert funnel["screen_failure_percent"].tolist() == [20.0, 0.0, pd.NA, 0.0]
    assert funnel["discontinuation_percent"].tolist() == [25.0, 0.0, pd.NA, 0.0]
    assert funnel["planned"].tolist() == [8, pd.NA, pd.NA, pd.NA]
    assert funnel["target_percent"].tolist() == [50.0, pd.NA, pd.NA, pd.NA]
    assert funnel.attrs["unknown_targets"] == ["Nort"]


def test_funnel_of_all(study: StudyFrames) -> None:
    config = StudyConfiguration(targets={"North": SiteTarget(planned=8), "West": SiteTarget()})
    total = m.enrolment_funnel(study, config, asof=ASOF, by=None).iloc[0]
    assert (total["screened"], total["enrolled"], total["planned"]) == (10, 6, 8)
    assert total["target_percent"] == 50.0  # 4 of the 6 are at the site with a target
    assert m.enrolment_funnel(study, asof=ASOF, by=None)["planned"].isna().all()


def test_curve_by_hand(study: StudyFrames) -> None:
    curve = m.enrolment_curve(study, asof=ASOF)
    assert len(curve) == 52  # 10 January to 2 March
    steps = curve[curve["enrolled"] > 0]
    assert steps["date"].dt.strftime("%m-%d").tolist() == ["01-10", "01-12", "01-20", "02-01"]
    assert steps["cumulative"].tolist() == [1, 3, 4, 5]
    by_site = m.enrolment_curve(study, asof=ASOF, by="site_id")
    last = by_site[by_site["date"] == "2026-03-02"]
    assert last["cumulative"].tolist() == [3, 1, 1]


def test_what_a_forecast_knows_of_sites(study: StudyFrames) -> None:
    # 1 January to 2 March: 60 days; to the closed site's last change on 10 February: 40.
    sites = m.site_enrolment(study, asof=ASOF)
    assert sites["days"].tolist() == [60, 40, 0]
    assert sites["open"].tolist() == [True, False, False]
    assert sites["enrolled"].tolist() == [4, 1, 0]


def test_targets_tell_when_sites_opened_and_closed(study: StudyFrames) -> None:
    config = StudyConfiguration(
        targets={
            "North": SiteTarget(activated=date(2026, 2, 20), closed=date(2026, 4, 1)),
            "South": SiteTarget(activated=date(2025, 12, 31), closed=date(2026, 1, 30)),
        }
    )
    sites = m.site_enrolment(study, config, asof=ASOF)
    assert sites["days"].tolist() == [10, 30, 0]
    assert sites["open"].tolist() == [True, False, False]
    config.targets["North"].activated = date(2026, 3, 3)
    assert m.site_enrolment(study, config, asof=ASOF)["days"].tolist() == [0, 30, 0]


def sites(*rows: tuple[int, float, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["enrolled", "days", "open"])


def test_forecast_of_sites_that_are_alike() -> None:
    # Two open sites and a closed one, 10 each in 100 days: no sign of differing rates.
    # A = 30 + 1/2, B = 300 days / 2 open sites.
    made = m.forecast(sites((10, 100, True), (10, 100, True), (10, 100, False)), 12, asof=ASOF)
    assert (made.pooled, made.shape, made.rate) == (True, 30.5, 150.0)


def test_forecast_by_hand() -> None:
    # One site enrolled far more: the likelihood has its peak at a, b (as scipy finds it, too).
    # The posteriors are Gamma(a + k, b + 100); the closed site's is not summed.
    made = m.forecast(sites((1, 100, True), (2, 100, False), (30, 100, True)), 20, asof=ASOF)
    a, b = 0.60378096, 5.48891817
    mean = (a + 1 + a + 30) / (b + 100)
    variance = (a + 1 + a + 30) / (b + 100) ** 2
    assert not made.pooled
    assert made.shape is not None
    assert made.rate is not None
    assert made.shape == pytest.approx(mean**2 / variance, rel=1e-5)
    assert made.rate == pytest.approx(mean / variance, rel=1e-5)
    f = stats.f.ppf([0.1, 0.5, 0.9], 40, 2 * made.shape)
    assert made.days["days"].tolist() == pytest.approx(made.rate * 20 / made.shape * f)
    first = pd.Timestamp(ASOF) + pd.to_timedelta(round(made.days["days"].iloc[0]), unit="D")
    assert made.days["date"].iloc[0] == first


def test_band_is_negative_binomial() -> None:
    made = m.forecast(sites((10, 100, True), (12, 100, True)), 30, asof=ASOF)
    assert made.shape is not None
    assert made.rate is not None
    law = stats.nbinom(made.shape, made.rate / (made.rate + made.band["days"]))
    for name, p in (("low", 0.1), ("middle", 0.5), ("high", 0.9)):
        assert made.band[name].tolist() == law.ppf(p).astype(int).tolist()
    assert made.band["low"].iloc[-1] in (29, 30)  # the 90 % day is when 10 % are still short


@pytest.mark.parametrize(
    ("rows", "more", "reason"),
    [
        ([(2, 100, True)], 5, "only 2 enrolled: a forecast needs at least 3"),
        ([], 5, "only 0 enrolled: a forecast needs at least 3"),
        (
            [(9, 0, False), (0, 10, True)],
            5,
            "only 0 enrolled at sites with days of enrolment",
        ),
        (
            [(9, 0, True)],
            5,
            "no site is open: see `site_open` of the configuration's statuses",
        ),
        (
            [(9, 100, False)],
            5,
            "no site is open: see `site_open` of the configuration's statuses",
        ),
        ([(9, 100, True)], 0, "nobody more to enrol"),
    ],
)
def test_no_forecast_and_why(rows: list[Any], more: int, reason: str) -> None:
    made = m.forecast(sites(*rows), more, asof=ASOF)
    assert made.reason == reason
    assert made.days.empty
    assert made.band.empty
    assert made.shape is None


def test_forecast_of_what_targets_lack(study: StudyFrames) -> None:
    assert m.forecast_enrolment(study, asof=ASOF).reason.startswith("no targets: give `more`")
    config = StudyConfiguration(targets={"North": SiteTarget(planned=20)})
    made = m.forecast_enrolment(study, config, asof=ASOF)
    assert (made.more, made.reason) == (16, "")
    aimed = m.site_enrolment(study, config, asof=ASOF)
    aimed["open"] = aimed["open"] & (aimed["site_id"] == 1)  # the others have no target
    assert made.days.equals(m.forecast(aimed, 16, asof=ASOF).days)
    with pytest.raises(ValueError, match="more: -1 is below 0"):
        m.forecast_enrolment(study, asof=ASOF, more=-1)
    with pytest.raises(ValueError, match="sites: enrolled or days below 0"):
        m.forecast(sites((-1, 3, True)), 3, asof=ASOF)


def test_far_away_is_no_date() -> None:
    made = m.forecast(sites((3, 40_000, True)), 500, asof=ASOF)
    assert made.days["date"].isna().all()
    assert made.band["days"].max() == 3650


def test_one_site_alone_does_not_tell_how_sites_differ() -> None:
    assert gamma_prior([30], [100]) is None
    assert gamma_prior([0, 0], [100, 100]) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 500)), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_no_other_prior_is_likelier(pairs: list[tuple[int, int]]) -> None:
    k, t = np.array(pairs, dtype=float).T
    prior = gamma_prior(k, t)
    shapes = np.exp(np.linspace(-4, 8, 25))
    if k.sum() == 0:
        assert prior is None
        return
    mean = k.sum() / t.sum()
    best = _poisson(k, t, mean) if prior is None else _likelihood(k, t, *prior)
    for a in shapes:
        for factor in (0.5, 0.8, 1.0, 1.25, 2.0):
            assert _likelihood(k, t, a, a / (mean * factor)) <= best + 1e-6


def _poisson(k: Any, t: Any, mean: float) -> float:
    return float((k * np.log(mean * t) - mean * t).sum() - sum(map(math.lgamma, k + 1)))


def _likelihood(k: Any, t: Any, a: float, b: float) -> float:
    gammas = sum(math.lgamma(a + n) - math.lgamma(a) - math.lgamma(n + 1) for n in k)
    return float(gammas + (a * np.log(b / (b + t)) + k * np.log(t / (b + t))).sum())


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 900), st.booleans()), min_size=1, max_size=8
    ),
    st.integers(1, 300),
)
@settings(max_examples=30, deadline=None)
def test_quantiles_rise(rows: list[tuple[int, int, bool]], more: int) -> None:
    made = m.forecast(sites(*rows), more, asof=ASOF)
    if not made.reason:
        assert made.days["days"].is_monotonic_increasing
        assert (made.days["days"] > 0).all()
        assert (made.band["low"] <= made.band["middle"]).all()
        assert (made.band["middle"] <= made.band["high"]).all()
        assert made.band["high"].is_monotonic_increasing
