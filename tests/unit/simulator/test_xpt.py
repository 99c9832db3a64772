"""Studies from XPORT files: a small folder made here, and the CDISC pilot where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
import urllib3

from imednet_simulator import Simulator
from imednet_simulator.store import Study
from imednet_simulator.xpt import XptError, load

PILOT = os.environ.get("IMEDNET_PILOT_DATA", "")  # read before fixtures clean the environment
DM = {
    "STUDYID": ["XS-1"] * 4,
    "DOMAIN": ["DM"] * 4,
    "USUBJID": ["XS-1-10-001", "XS-1-10-002", "XS-1-20-001", "XS-1-20-002"],
    "SUBJID": ["001", "002", "003", "004"],
    "SITEID": ["10", "10", "20", "20"],
    "RFSTDTC": ["2024-03-01", "2024-03-05", "", "2024-04-01"],
    "DMDTC": ["2024-02-20", "2024-02-25", "2024-02-26", "2024-03"],
    "AGE": [51.0, 62.0, None, 44.0],
    "WEIGHT": [70.5, 80.0, 91.25, None],
}
SV = {
    "DOMAIN": ["SV"] * 4,
    "USUBJID": ["XS-1-10-001", "XS-1-10-001", "XS-1-10-002", "XS-1-10-001"],
    "VISITNUM": [2.0, 1.0, 1.0, 2.1],
    "VISIT": ["WEEK 1", "BASELINE", "BASELINE", "UNSCHEDULED 2.1"],
    "VISITDY": [8.0, 1.0, 1.0, None],
    "SVSTDTC": ["2024-03-08", "2024-03-01", "2024-03-05T09:30", "2024-03"],
}
DS = {
    "DOMAIN": ["DS"] * 4,
    "USUBJID": ["XS-1-10-001", "XS-1-10-001", "XS-1-10-002", "XS-1-20-001"],
    "DSDECOD": ["RANDOMIZED", "COMPLETED", "ADVERSE EVENT", "SCREEN FAILURE"],
    "DSCAT": ["PROTOCOL MILESTONE", *["DISPOSITION EVENT"] * 3],
}
TA = {"DOMAIN": ["TA", "TA"], "ARMCD": ["A", "B"], "ETCD": ["SCR", "TRT"]}


def write(folder: Path, **domains: dict[str, list[Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, columns in domains.items():
        labels = [f"Label of {column}" for column in columns]
        pyreadstat.write_xport(
            pd.DataFrame(columns),
            folder / f"{name}.xpt",
            table_name=name.upper(),
            column_labels=labels,
            file_format_version=5,
        )
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return load(write(tmp_path_factory.mktemp("xpt"), dm=DM, sv=SV, ds=DS, ta=TA))


def rows(study: Study, name: str) -> list[dict[str, Any]]:
    return study[name].render(range(len(study[name])))


def test_study_sites_and_forms(study: Study) -> None:
    assert study.key == "XS-1"
    assert [row["studyKey"] for row in rows(study, "studies")] == ["XS-1"]
    assert [(r["siteId"], r["siteName"]) for r in rows(study, "sites")] == [
        (10, "Site 10"),
        (20, "Site 20"),
    ]
    forms = {row["formKey"]: (row["formName"], row["formType"]) for row in rows(study, "forms")}
    assert forms == {
        "DM": ("Demographics", "Subject"),
        "DS": ("Disposition", "Subject"),
        "SV": ("Subject Visits", "Subject"),
        "TA": ("TA", "Site"),
    }


def test_variables_keep_names_labels_and_types(study: Study) -> None:
    variables = {(r["formKey"], r["variableName"]): r for r in rows(study, "variables")}
    assert variables["DM", "AGE"]["label"] == "Label of AGE"
    kinds = {name: variables["DM", name]["variableType"] for name in DM}
    assert kinds == {
        **dict.fromkeys(DM, "TEXT"),
        "AGE": "INTEGER",
        "WEIGHT": "FLOAT",
        "RFSTDTC": "DATE",
        "DMDTC": "DATE",
    }
    assert variables["SV", "SVSTDTC"]["variableType"] == "DATETIME"


def test_subjects(study: Study) -> None:
    assert [
        (r["subjectKey"], r["subjectOid"], r["siteId"], r["subjectStatus"])
        for r in rows(study, "subjects")
    ] == [
        ("XS-1-10-001", "001", 10, "Completed"),
        ("XS-1-10-002", "002", 10, "Withdrawn"),
        ("XS-1-20-001", "003", 20, "Screen Failure"),
        ("XS-1-20-002", "004", 20, "Enrolled"),
    ]
    starts = [row["enrollmentStartDate"] for row in rows(study, "subjects")]
    assert starts == ["2024-03-01 00:00:00", "2024-03-05 00:00:00", None, "2024-04-01 00:00:00"]


def test_intervals_and_visits(study: Study) -> None:
    intervals = rows(study, "intervals")
    assert [(r["intervalName"], r["dueDateWillBeIn"]) for r in intervals] == [
        ("BASELINE", 1),
        ("WEEK 1", 8),
        ("UNSCHEDULED 2.1", None),
    ]
    assert intervals[0]["forms"] == [{"formId": 3, "formKey": "SV", "formName": "Subject Visits"}]
    assert [
        (r["subjectKey"], r["intervalName"], r["visitDate"]) for r in rows(study, "visits")
    ] == [
        ("XS-1-10-001", "WEEK 1", "2024-03-08"),
        ("XS-1-10-001", "BASELINE", "2024-03-01"),
        ("XS-1-10-002", "BASELINE", "2024-03-05"),
        ("XS-1-10-001", "UNSCHEDULED 2.1", None),
    ]


def test_a_record_a_row(study: Study) -> None:
    records = rows(study, "records")
    assert len(records) == len(rows(study, "recordRevisions")) == 14
    assert records[0]["recordData"] == {
        **{name: values[0] for name, values in DM.items()},
        "AGE": "51",
        "WEIGHT": "70.5",
    }
    assert (records[2]["recordData"]["AGE"], records[2]["recordData"]["RFSTDTC"]) == (None, "")
    visit = next(r for r in records if r["formKey"] == "SV")
    assert (visit["subjectKey"], visit["intervalId"], visit["visitId"]) == ("XS-1-10-001", 2, 1)


def test_rows_without_a_subject(study: Study) -> None:
    loose = [r for r in rows(study, "records") if r["formKey"] == "TA"]
    assert [(r["subjectId"], r["subjectKey"], r["siteId"], r["recordType"]) for r in loose] == [
        (None, None, None, "SITE")
    ] * 2
    assert loose[1]["recordData"] == {"DOMAIN": "TA", "ARMCD": "B", "ETCD": "TRT"}


def test_it_can_be_served_and_written_to(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", dm={n: v for n, v in DM.items() if n != "STUDYID"})
    with Simulator(from_xpt=folder) as sim:
        assert sim.study_key == "study"
        headers = {"x-api-key": sim.api_key, "x-imn-security-key": sim.security_key}
        with urllib3.PoolManager(headers=headers) as pool:
            base = f"{sim.url}/api/v1/edc/studies/study"
            item = {"formKey": "DM", "siteName": "Site 20", "data": {"AGE": "33"}}
            receipt = pool.request("POST", f"{base}/records", json=[item]).json()
            jobs = [pool.request("GET", f"{base}/jobs/{receipt['batchId']}") for _ in range(2)]
            assert jobs[1].json()["state"] == "completed"
            page = pool.request("GET", f"{base}/subjects?filter=siteId==20").json()
            assert [row["subjectKey"] for row in page["data"]][-1] == "20-001"


def test_site_names_that_are_no_numbers(tmp_path: Path) -> None:
    study = load(write(tmp_path, dm={**DM, "SITEID": ["B", "B", "A", "01"]}))
    assert [(r["siteId"], r["siteName"]) for r in rows(study, "sites")] == [
        (1, "Site 01"),
        (2, "Site A"),
        (3, "Site B"),
    ]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        load(tmp_path / "none")
    assert str(caught.value) == f"{tmp_path / 'none'} is not a folder"


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds no .xpt file"


def test_no_dm(tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        load(write(tmp_path, sv=SV, ta=TA))
    expected = f"{tmp_path} has no DM domain, which names the subjects (found: SV, TA)"
    assert str(caught.value) == expected


def test_no_xport_file(tmp_path: Path) -> None:
    path = tmp_path / "dm.xpt"
    path.write_bytes(b"no such format")
    with pytest.raises(XptError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be read as a SAS XPORT file: ")
    assert "\n" not in message


@pytest.mark.skipif(
    not PILOT, reason="IMEDNET_PILOT_DATA names no folder with the CDISC pilot's XPORT files"
)
def test_the_cdisc_pilot() -> None:
    study = load(Path(PILOT))
    assert (study.key, len(study["sites"]), len(study["subjects"])) == ("CDISCPILOT01", 17, 306)
    records = study["records"]
    assert len(records.find("formKey", "DM")) == 306
    assert len(records.find("formKey", "SV")) == 3559
    assert len(records.find("formKey", "AE")) == 1191
    statuses = set(study["subjects"].columns["subjectStatus"].data)
    assert statuses == {"Completed", "Withdrawn", "Screen Failure"}
