"""The demo study's sites and users. All names are invented; no real institution is meant."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from random import Random

from imednet_simulator.protocol import DIRTY, DONE, PLAIN, SILENT, WAITING, Character, Site

DAY = 86400
_PLACES = (
    "Aldermoor",
    "Bexley Falls",
    "Corvane",
    "Dunmere",
    "Eastholm",
    "Ferrisburg",
    "Glanworth",
    "Harrowick",
    "Ivelstadt",
    "Junipera",
    "Kestrel Bay",
    "Lindqvara",
    "Marrowdale",
    "Northolt Springs",
    "Ostermark",
    "Pellham",
)
_KINDS = (
    "University Hospital",
    "Lung Clinic",
    "General Hospital",
    "Respiratory Centre",
    "Medical Group",
)
_FIRST = "Ada Bruno Carla Dmitri Elif Farid Greta Hugo Ines Jonas Keiko Leon Mira Nils Oona Pavel"
_LAST = (
    "Abend Brandal Castrell Dovik Elmstead Farrow Grondal Hadley Ilvane Jorvik Kessel Lorne"
    " Marlow Nystad Orrin Pasco Quill Renfeld Solberg Tarn"
)


def make_sites(count: int, asof: int, rng: Random) -> list[Site]:
    """So many sites, with the characters placed among them; `asof` in seconds."""
    cast = _cast(count)
    return [_site(number, cast[number - 1], asof, rng) for number in range(1, count + 1)]


def _cast(count: int) -> list[Character]:
    if count < 6:
        return [PLAIN, DIRTY, SILENT, WAITING, DONE][:count]
    cast = [PLAIN] * count
    cast[2], cast[min(6, count - 3)] = DIRTY, SILENT
    cast[-2:] = DONE, WAITING
    return cast


_AGES = {"closed": 425, "silent": 390, "fast and dirty": 330, "not yet active": 20}


def _site(number: int, character: Character, asof: int, rng: Random) -> Site:
    place = _PLACES[(number - 1) % len(_PLACES)]
    kind = _KINDS[(number - 1) % len(_KINDS)]
    lap = (number - 1) // len(_PLACES)
    name = f"{place} {kind}" + (f" {lap + 1}" if lap else "")
    if character is PLAIN:
        character = replace(
            PLAIN,
            size=rng.uniform(0.45, 1.5),
            lag=rng.uniform(2.0, 4.5),
            queries=rng.uniform(0.035, 0.065),
            events=rng.uniform(1.8, 3.0),
        )
    age = _AGES.get(character.role) or rng.randint(280, 425)
    activated = asof - age * DAY + rng.randint(0, 20000)
    site = Site(number, name, character, created=activated, activated=activated)
    if character.role == "closed":
        site.closed = asof - 120 * DAY
    return site


@dataclass
class Person:
    """A user of the study; moments in seconds since 1970."""

    login: str
    first: str
    last: str
    role: str
    id: str
    role_id: str
    since: int
    active: bool = True
    site_id: int = 0


@dataclass
class Staff:
    """Everybody, and who does what for the study as a whole."""

    people: list[Person] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    monitors: list[str] = field(default_factory=list)
    coder: str = ""

    def hire(self, role: str, since: int, rng: Random, site_id: int = 0) -> Person:
        """Somebody new, with a login of its own."""
        first, last = rng.choice(_FIRST.split()), rng.choice(_LAST.split())
        stem = (first[0] + last).lower()
        taken = {person.login for person in self.people}
        login = next(name for n in range(1, 10**6) if (name := f"{stem}{n}") not in taken)
        user_id, role_id = (str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in "ur")
        person = Person(login, first, last, role, user_id, role_id, since, site_id=site_id)
        self.people.append(person)
        return person


def make_staff(sites: list[Site], opened: int, rng: Random) -> Staff:
    """Coordinators and an investigator at each site; monitors, data managers and a coder."""
    staff = Staff()
    for _ in range(max(2, len(sites) // 4)):
        staff.monitors.append(staff.hire("Monitor", opened, rng).login)
    for _ in range(3):
        staff.managers.append(staff.hire("Data Manager", opened, rng).login)
    staff.coder = staff.hire("Medical Coder", opened, rng).login
    staff.hire("Study Administrator", opened, rng)
    for site in sites:
        site.monitor = staff.monitors[site.id % len(staff.monitors)]
        person = staff.hire("Site Coordinator", site.created, rng, site.id)
        site.coordinators = [person.login]
        person.active = site.closed is None
        staff.hire("Investigator", site.created, rng, site.id).active = site.closed is None
    staff.hire("Monitor", opened, rng).active = False
    staff.hire("Data Manager", opened, rng).active = False
    return staff
