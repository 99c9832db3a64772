"""What the demo study's subjects answer: one function a form, values in the form's order.

Everything is text, as on the wire. Texts that recur are made once and shared, which is what
lets a million records fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from imednet_simulator import columns

Answer = str | None
day_text = cache(columns.day_text)

EVENTS = (
    "Headache",
    "Nausea",
    "Nasopharyngitis",
    "Cough",
    "Oral thrush",
    "Dizziness",
    "Fatigue",
    "Back pain",
    "Sore throat",
    "Palpitations",
    "Asthma exacerbation",
    "Tremor",
    "Insomnia",
    "Diarrhoea",
    "Rash",
    "Bronchitis",
)
MEDICINES = (
    "Paracetamol",
    "Ibuprofen",
    "Salbutamol",
    "Cetirizine",
    "Omeprazole",
    "Amlodipine",
    "Metformin",
    "Vitamin D",
    "Fluticasone nasal spray",
    "Amoxicillin",
)
_INDICATIONS = ("Pain", "Hypertension", "Allergic rhinitis", "Reflux", "Supplement", "Infection")
_DEVIATIONS = {
    "Visit out of window": "Visit made outside its window",
    "Missed assessment": "Spirometry not done",
    "Eligibility": "Inclusion criterion not documented",
    "Dosing": "Doses missed on several days",
    "Consent": "Outdated consent version signed",
    "Sample handling": "Sample left too long before spinning",
}
_DEFICIENCIES = ("Does not pair", "Counter stuck", "Battery empty", "Mouthpiece cracked")


@cache
def tenths(number: int) -> str:
    """42 as "4.2"."""
    return f"{number / 10:.1f}"


@cache
def whole(number: int) -> str:
    """A whole number as text."""
    return str(number)


@cache
def clock(minute: int) -> str:
    """Minutes after midnight as `09:15`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


@dataclass
class Person:
    """What stays the same (more or less) about a subject from visit to visit."""

    born: int
    age: int
    sex: str
    height: int
    weight: int
    pressure: int
    fev: int
    symptoms: float
    arm: str


def make_person(day: int, rng: Random) -> Person:
    """Somebody of 18 to 75 who is screened on this day."""
    age = min(75, max(18, int(rng.gauss(46, 14))))
    male = rng.random() < 0.45
    height = int(rng.gauss(1765 if male else 1635, 70))
    return Person(
        born=day - int(age * 365.25) - rng.randint(1, 364),
        age=age,
        sex="Male" if male else "Female",
        height=height,
        weight=int(height * height / 1e4 * rng.uniform(2.0, 3.3)),
        pressure=int(rng.gauss(126, 11)),
        fev=int(rng.gauss(27 if male else 22, 4)),
        symptoms=rng.uniform(1.2, 3.6),
        arm=rng.choice("AB"),
    )


def _around(rng: Random, centre: float, spread: float) -> int:
    """A whole number near the centre: two uniforms are enough, and quicker than a normal."""
    return round(centre + spread * (rng.random() + rng.random() - 1) * 2)


def registration(who: Person, day: int, rng: Random) -> list[Answer]:
    note = "" if rng.random() < 0.9 else "Copy of consent given to subject"
    minute = rng.randrange(480, 960, 5)
    return [day_text(day), "3.0" if rng.random() < 0.6 else "2.0", clock(minute), note]


def demographics(who: Person, day: int, rng: Random) -> list[Answer]:
    born = day_text(who.born)
    if rng.random() < 0.1:
        born = born[:4] + ("-UN-UN" if rng.random() < 0.4 else born[4:7] + "-UN")
    race = rng.choice(("White", "Asian", "Black or African American", "Not reported"))
    ethnic = "Not Hispanic or Latino" if rng.random() < 0.85 else "Hispanic or Latino"
    smoker = "Yes" if rng.random() < 0.3 else "No"
    return [born, whole(who.age), who.sex, race, ethnic, smoker, who.arm]


def visit_date(who: Person, day: int, rng: Random) -> list[Answer]:
    return [day_text(day), "On site" if rng.random() < 0.93 else "Telephone", ""]


def vitals(who: Person, day: int, rng: Random) -> list[Answer]:
    systolic = _around(rng, who.pressure, 12)
    return [
        day_text(day),
        clock(rng.randrange(480, 1020, 5)),
        whole(systolic),
        whole(_around(rng, systolic * 0.63, 7)),
        whole(_around(rng, 72, 14)),
        tenths(_around(rng, 366, 5)),
        whole(_around(rng, 16, 3)),
        tenths(who.weight + _around(rng, 0, 14)),
        tenths(who.height) if rng.random() < 0.3 else None,
    ]


def _sampled(day: int, rng: Random) -> str:
    return f"{day_text(day)} {clock(rng.randrange(450, 780, 5))}"


def chemistry(who: Person, day: int, rng: Random) -> list[Answer]:
    liver = _around(rng, 240, 110) * (4 if rng.random() < 0.01 else 1)
    return [
        _sampled(day, rng),
        "Yes" if rng.random() < 0.8 else "No",
        tenths(liver),
        tenths(_around(rng, liver * 0.9, 40)),
        tenths(_around(rng, 760, 150)),
        tenths(_around(rng, 53, 11)),
        tenths(_around(rng, 42, 4)),
        ("Yes" if liver > 700 else "No") if rng.random() < 0.8 else None,
    ]


def haematology(who: Person, day: int, rng: Random) -> list[Answer]:
    return [
        _sampled(day, rng),
        tenths(_around(rng, 1480 if who.sex == "Male" else 1340, 120)),
        tenths(_around(rng, 68, 22)),
        tenths(_around(rng, 4, 3)),
        whole(_around(rng, 255, 70)),
        "No" if rng.random() < 0.8 else None,
    ]


def spirometry(who: Person, day: int, rng: Random) -> list[Answer]:
    volume = max(8, _around(rng, who.fev, 2))
    return [
        day_text(day),
        tenths(volume),
        tenths(_around(rng, volume * 1.36, 2)),
        whole(_around(rng, volume * 16, 30)),
        "ABC"[int(rng.random() ** 2 * 3)],
    ]


def questionnaire(who: Person, day: int, rng: Random) -> list[Answer]:
    scores = [min(6, max(0, _around(rng, who.symptoms, 1.6))) for _ in range(5)]
    return [day_text(day), *map(whole, scores), tenths(sum(scores) * 2)]


def dosing(who: Person, day: int, rng: Random) -> list[Answer]:
    planned = 28 if rng.random() < 0.3 else 56
    taken = planned - int(rng.random() ** 3 * 14)
    kit = f"K{rng.randrange(10000, 40000)}"
    adjusted = "No" if rng.random() < 0.96 else "Yes"
    return [day_text(day), whole(taken), whole(planned), kit, adjusted]


def examination(who: Person, day: int, rng: Random) -> list[Answer]:
    wheezing = rng.random() < 0.12
    lungs, finding = ("Abnormal", "Wheezing on expiration") if wheezing else ("Normal", "")
    return [day_text(day), "Normal", lungs, "Normal", finding]


def accountability(who: Person, day: int, rng: Random) -> list[Answer]:
    serial, count = f"INH-{rng.randrange(1000, 9999)}", whole(rng.randrange(120))
    return [day_text(day), serial, count, "Yes" if rng.random() < 0.95 else "No"]


def adverse_event(who: Person, day: int, rng: Random) -> list[Answer]:
    start = day_text(day)
    if rng.random() < 0.04:
        start = start[:8] + "UN"
    over = rng.random() < 0.78
    serious = rng.random() < 0.06
    severity = "Severe" if serious else ("Mild" if rng.random() < 0.65 else "Moderate")
    return [
        rng.choice(EVENTS),
        start,
        day_text(day + rng.randrange(0, 3)) if over else None,
        severity,
        "Yes" if serious else "No",
        "Yes" if rng.random() < 0.3 else "No",
        "Recovered" if over else "Not recovered",
        "None" if rng.random() < 0.9 else "Study treatment interrupted",
        "Hospital admission; recovered under treatment" if serious else "",
    ]


def medication(who: Person, day: int, rng: Random) -> list[Answer]:
    start = day_text(day)
    if rng.random() < 0.25:
        start = start[:4] + "-UN-UN" if rng.random() < 0.4 else start[:8] + "UN"
    ongoing = rng.random() < 0.6
    return [
        rng.choice(MEDICINES),
        rng.choice(_INDICATIONS) if rng.random() < 0.85 else "",
        whole(rng.choice((5, 10, 20, 50, 100, 400, 500))),
        "mg",
        start,
        None if ongoing else day_text(day),
    ]


def deviation(who: Person, day: int, rng: Random) -> list[Answer]:
    kind = rng.choice(tuple(_DEVIATIONS))
    weight = "Major" if rng.random() < 0.18 else "Minor"
    action = "Staff retrained" if weight == "Major" else ""
    return [day_text(day), kind, _DEVIATIONS[kind], weight, action]


def deficiency(who: Person, day: int, rng: Random) -> list[Answer]:
    serial = f"INH-{rng.randrange(1000, 9999)}"
    harm = "Yes" if rng.random() < 0.05 else "No"
    return [_sampled(day, rng), rng.choice(_DEFICIENCIES), serial, harm, ""]


def monitoring(kind: str, day: int, rng: Random) -> list[Answer]:
    return [day_text(day), kind, whole(int(rng.random() ** 2 * 9)), ""]


Maker = Callable[[Person, int, Random], list[Answer]]
MAKERS: dict[str, Maker] = {
    "REG": registration,
    "DM": demographics,
    "SV": visit_date,
    "VS": vitals,
    "LB": chemistry,
    "HE": haematology,
    "SP": spirometry,
    "QS": questionnaire,
    "EX": dosing,
    "PE": examination,
    "DA": accountability,
    "AE": adverse_event,
    "CM": medication,
    "DV": deviation,
    "DD": deficiency,
}


def poisson(mean: float, rng: Random) -> int:
    """How often something happens that happens `mean` times on average (small means)."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
