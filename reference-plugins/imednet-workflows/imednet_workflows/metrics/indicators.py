"""What the key risk indicators are: their kinds, cuts and weights, as a study has them.

`KriConfig` of a study's configuration may give each indicator, by its name, other
forms (`form_keys`: adverse_events and deviations only), cuts (`thresholds`) and weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from imednet.models import KriConfig, StudyConfiguration

__all__ = ["INDICATORS", "Indicator", "indicators"]

_HIGH, _BOTH = (2.0, 3.0), (-3.0, -2.0, 2.0, 3.0)


@dataclass(frozen=True)
class Indicator:
    """An indicator: what kind of number, where flags change and what each weighs.

    `minimum` is what must have accrued for a flag: `{"denominator": 30}`.
    `form_keys` are the forms counted, () where it counts something else.
    """

    name: str
    kind: str
    thresholds: tuple[float, ...]
    weights: tuple[float, ...]
    minimum: dict[str, float]
    form_keys: tuple[str, ...] = ()


#: The indicators with their defaults.
INDICATORS = (
    Indicator(
        "adverse_events",
        "rate",
        (-2.0, -1.0, 2.0, 3.0),
        (32, 16, 0, 1, 2),
        {"denominator": 30},
        ("AE",),
    ),
    Indicator("deviations", "rate", _BOTH, (8, 4, 0, 8, 16), {"denominator": 30}, ("DV",)),
    Indicator("query_rate", "rate", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("overdue_queries", "proportion", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("late_entry", "proportion", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("data_change", "proportion", _HIGH, (0, 1, 2), {"numerator": 100}),
    Indicator("screen_failure", "proportion", _BOTH, (0, 0, 0, 8, 16), {"denominator": 3}),
    Indicator("discontinuation", "proportion", _HIGH, (0, 16, 32), {"numerator": 3}),
)
_NAMES = tuple(indicator.name for indicator in INDICATORS)


def indicators(config: StudyConfiguration | None = None) -> tuple[Indicator, ...]:
    """Return the indicators as the configuration has them.

    Raises ValueError for a name that is not known, forms for an indicator that
    counts none, and weights that are not one more than the cuts.
    """
    kri = config.kri if config is not None else KriConfig()
    for setting in ("form_keys", "thresholds", "weights"):
        for name in getattr(kri, setting):
            if name not in _NAMES:
                raise ValueError(f"kri.{setting}: {name!r} is not known; use {', '.join(_NAMES)}")
    return tuple(_configured(indicator, kri) for indicator in INDICATORS)


def _configured(base: Indicator, kri: KriConfig) -> Indicator:
    forms = tuple(kri.form_keys.get(base.name) or base.form_keys)
    if forms and not base.form_keys:
        raise ValueError(f"kri.form_keys: {base.name!r} counts no forms; remove it")
    cuts = tuple(kri.thresholds.get(base.name) or base.thresholds)
    weights = tuple(kri.weights.get(base.name) or base.weights)
    if len(weights) != len(cuts) + 1 or min(weights) < 0:
        raise ValueError(
            f"kri.weights: {base.name!r} has {list(weights)}; give {len(cuts) + 1} from 0 up,"
            f" one for each flag that the cuts {list(cuts)} make"
        )
    return Indicator(base.name, base.kind, cuts, weights, base.minimum, forms)
