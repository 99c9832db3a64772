"""Records as frames: the workflows plugin's way, and pandas' own."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd

from imednet.models import Record, Variable
from imednet.models.decoding import decoder
from imednet_workflows.record_mapper import frame_of, planned

TYPES = ["INTEGER"] * 5 + ["FLOAT"] * 4 + ["DATE"] * 3 + ["TEXT"] * 8
NAMES = [f"Q{number}" for number in range(len(TYPES))]
MOMENTS = ["dateCreated", "dateModified"]


def answer(kind: str, chance: random.Random) -> str:
    if chance.random() < 0.1:
        return ""
    return {
        "INTEGER": lambda: str(chance.randrange(200)),
        "FLOAT": lambda: f"{chance.random() * 100:.2f}",
        "DATE": lambda: f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
        "TEXT": lambda: f"answer {chance.randrange(50)}",
    }[kind]()


def made_up(total: int) -> tuple[list[Record], list[dict[str, Any]], list[Variable]]:
    """Return records, the same as flat dicts, and the variables of their form."""
    chance = random.Random(1)
    decode = decoder(Record)
    records, rows = [], []
    for number in range(total):
        row: dict[str, Any] = {
            "studyKey": "BENCH",
            "intervalId": 1,
            "formId": 1,
            "formKey": "F",
            "siteId": number % 40,
            "recordId": number,
            "recordOid": f"REC-{number}",
            "recordType": "SUBJECT",
            "recordStatus": "Record Complete",
            "deleted": False,
            "dateCreated": "2026-05-01 10:00:00",
            "dateModified": "2026-05-02 10:00:00",
            "subjectId": number % 2000,
            "subjectOid": "OID-1",
            "subjectKey": f"01-{number % 2000:04}",
            "visitId": number % 9000,
            "parentRecordId": None,
        }
        answers = {n: answer(kind, chance) for n, kind in zip(NAMES, TYPES, strict=True)}
        records.append(decode({**row, "keywords": [], "recordData": answers}))
        rows.append(row | answers)
    pairs = enumerate(zip(NAMES, TYPES, strict=True))
    variables = [
        Variable(form_id=1, form_key="F", variable_name=name, variable_type=kind, sequence=n)
        for n, (name, kind) in pairs
    ]
    return records, rows, variables


def ours_of(records: list[Record], variables: list[Variable]) -> pd.DataFrame:
    return frame_of(records, planned(variables))


def floor_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The same rows in a bare frame, each column converted by pandas itself."""
    frame = pd.DataFrame(rows)
    for name in MOMENTS:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    for name, kind in zip(NAMES, TYPES, strict=True):
        if kind in ("INTEGER", "FLOAT"):
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
        elif kind == "DATE":
            frame[name] = pd.to_datetime(frame[name], errors="coerce")
    return frame.convert_dtypes()
