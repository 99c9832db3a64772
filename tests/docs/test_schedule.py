"""The line for cron runs as cron runs it, with keys that a shell would take apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, TIMEOUT, blocks, lines

from imednet_simulator import Simulator

PAGE = ROOT / "docs" / "how-to" / "schedule.md"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no cron")
def test_the_line_for_cron_runs_with_the_file_of_keys(tmp_path: Path) -> None:
    keys = "a$b&c d", 'e;`f`"g'
    crontab, file = blocks(PAGE, "text")
    (making,) = [line for line in lines(PAGE) if "umask" in line]
    command = crontab.splitlines()[1].split(maxsplit=5)[5]
    program = tmp_path / "study" / "bin" / "imednet"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).parent / "imednet")
    subprocess.run(["/bin/sh", "-c", making], env={"HOME": str(tmp_path)}, check=True)
    kept = tmp_path / ".imednet.env"
    assert kept.stat().st_mode & 0o777 == 0o600
    with Simulator(subjects=5, sites=1, api_key=keys[0], security_key=keys[1]) as simulator:
        filled = file.replace("KEY1", keys[0]).replace("KEY2", keys[1])
        kept.write_text(f"{filled}export IMEDNET_BASE_URL={simulator.url}\n")
        table = tmp_path / "ae.csv"
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("/srv/study/ae.csv", str(table))],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert table.read_text("utf-8").startswith("study_key,")
