"""The demo study as it stands on a given day: the same seed and day give the same study."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from random import Random

from imednet_simulator import scaffold
from imednet_simulator.answers import make_person
from imednet_simulator.columns import EPOCH_DAY
from imednet_simulator.life import Life, Writer, live
from imednet_simulator.people import DAY, make_sites, make_staff
from imednet_simulator.protocol import ENROLLED, SCREENING, STUDY_KEY, Site
from imednet_simulator.store import Study
from imednet_simulator.trail import Owner, Trail


def tell(subjects: int, sites: int, seed: int, asof: date) -> Study:
    """The study DEMO with so many subjects and sites, as of noon UTC of that day."""
    rng = Random(f"demo {seed}")
    noon = (asof.toordinal() - EPOCH_DAY) * DAY + DAY // 2
    study = Study(STUDY_KEY, "REG", SCREENING, ENROLLED, "Baseline")
    places = make_sites(sites, noon, rng)
    opened = min(site.created for site in places) - 40 * DAY
    staff = make_staff(places, opened, rng)
    with _collector_at_rest():
        scaffold.fill(study, places, staff, opened, noon)
        trail = Trail(study, staff, noon, rng)
        writer = Writer(study, trail, noon, rng)
        for site, screened in _screenings(places, subjects, noon, rng):
            writer.write(_life(site, screened, noon, rng))
        for site in places:
            writer.monitor(Owner(site), noon)
    return study


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Nothing here is garbage, so looking for it again and again only costs time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(1)  # once, before anyone waits for an answer
        if was_on:
            gc.enable()


def _life(site: Site, screened: int, noon: int, rng: Random) -> Life:
    person = make_person(screened // DAY, rng)
    return live(site, person, screened, noon, rng)


def _screenings(
    sites: list[Site], subjects: int, noon: int, rng: Random
) -> Iterator[tuple[Site, int]]:
    """Who is screened where and when, in order of time."""
    moments = []
    for site, number in zip(sites, _shares(sites, subjects), strict=True):
        first = site.activated + 7 * DAY
        last = min(site.closed or noon, noon) - 3600
        for _ in range(number):
            at = first + int((last - first) * rng.random() ** 0.85)
            moments.append((_on_a_workday(at, rng), site.id))
    places = {site.id: site for site in sites}
    for at, site_id in sorted(moments):
        yield places[site_id], at


def _on_a_workday(at: int, rng: Random) -> int:
    """Weekends move to the Friday before; the hour is one of a clinic's morning."""
    day = at // DAY
    day -= max(0, (day + 3) % 7 - 4)
    return day * DAY + 8 * 3600 + rng.randrange(0, 3 * 3600)


def _shares(sites: list[Site], subjects: int) -> list[int]:
    """How many subjects each site has: by its size, adding up exactly."""
    sizes = [site.character.size for site in sites]
    exact = [subjects * size / sum(sizes) for size in sizes]
    shares = [int(share) for share in exact]
    by_rest = sorted(range(len(sites)), key=lambda i: shares[i] - exact[i])
    for i in by_rest[: subjects - sum(shares)]:
        shares[i] += 1
    return shares


__all__ = ["tell"]
