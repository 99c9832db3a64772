"""What imednet costs, each figure beside a floor measured in the same run.

    python benchmarks/run.py [list|wait|memory|start|size|frame|dashboard ...]

The floor of reading is urllib3 and the json module alone, with no model, no
check and no retry; the floor of starting is `import urllib3`. Each figure is the
median of several runs that alternate with the floor's. Nothing here fails: it
prints figures, the bar that the project sets itself, and whether it was met.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

HERE = Path(__file__).parent
SIZE = 500


@contextlib.contextmanager
def server(total: int, milliseconds: float = 0) -> Iterator[str]:
    """A server process of `total` records that waits so long before each page."""
    command = [sys.executable, str(HERE / "server.py"), str(total), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def sdk(url: str, **options: int):  # type: ignore[no-untyped-def]
    from imednet import ImednetSDK

    return ImednetSDK("benchmark", "benchmark", url, **options)


def floor(url: str, total: int) -> Callable[[], list[object]]:
    """Read every page with urllib3 and json, one after the other, and return the rows."""
    import urllib3

    pool = urllib3.PoolManager()

    def read() -> list[object]:
        rows: list[object] = []
        for page in range(-(-total // SIZE)):
            answer = pool.request("GET", f"{url}/api/v1/edc/x?page={page}&size={SIZE}")
            rows += json.loads(answer.data)["data"]
        return rows

    return read


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    result = call()
    taken = time.perf_counter() - started
    del result  # what it costs to free is not the caller's wait
    return taken


def medians(*calls: Callable[[], object], rounds: int = 5) -> list[float]:
    """Time the calls in turn, after a warm-up of each, and return their medians."""
    for call in calls:
        call()
    times = [[seconds(call) for call in calls] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def report(
    what: str, value: float, bar: float, unit: str, *, least: bool, detail: str = ""
) -> None:
    met = value >= bar if least else value <= bar
    sign = ">=" if least else "<="
    verdict = "met   " if met else "MISSED"
    print(f"{verdict} {what}: {value:.2f}{unit} (bar {sign} {bar:g}{unit}) {detail}")


def bench_list(total: int = 50_000) -> None:
    """A typed list of 50,000 records over loopback, against the floor."""
    from importlib.util import find_spec

    with server(total) as url:
        client = sdk(url)
        ours, theirs = medians(lambda: client.records.list("BENCH"), floor(url, total))
    rates = f"({total / ours:,.0f} against {total / theirs:,.0f} records/s)"
    fast = find_spec("orjson") is not None
    name = "records.list with orjson" if fast else "records.list"
    report(f"{name} / floor", theirs / ours, 1.0 if fast else 0.75, "x", least=True, detail=rates)


def bench_wait(total: int = 20_000, milliseconds: int = 40) -> None:
    """The same from a server that takes 40 ms a page: pages are fetched ahead."""
    with server(total) as quick, server(total, milliseconds) as slow:
        fast, late = sdk(quick), sdk(slow)
        waited, decoding = medians(
            lambda: late.records.list("BENCH"), lambda: fast.records.list("BENCH"), rounds=3
        )
    waiting = milliseconds / 1000 * -(-total // SIZE) / 8
    detail = f"({waited:.2f} s, {decoding:.2f} s of them decoding)"
    report(
        "(time - decoding) / ideal wait",
        (waited - decoding) / waiting,
        1.5,
        "x",
        least=False,
        detail=detail,
    )


def bench_memory(total: int = 1_000_000) -> None:
    """The peak of a process that iterates over a million records."""
    script = (
        "import resource, sys\nfrom imednet import ImednetSDK\n"
        "sdk = ImednetSDK('benchmark', 'benchmark', sys.argv[1])\n"
        "assert sum(1 for _ in sdk.records.iter('BENCH')) == int(sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of one that is counted
    with server(total) as url:
        peak = int(child(["-c", script, url, str(total)])) * unit
    report(f"peak of iter over {total:,} records", peak / 2**20, 64, " MiB", least=False)


def child(arguments: list[str]) -> str:
    """Run Python with `arguments`, and return what it prints."""
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    ).stdout


def cpu(script: str, *arguments: str) -> Callable[[], float]:
    """Return a call that runs a script in a new process and gives its own processor time."""

    def run() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child(["-c", script, *arguments])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def cold(*calls: Callable[[], float], rounds: int = 21) -> list[float]:
    times = [[call() for call in calls] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def bench_start() -> None:
    """Starting up, less the bare interpreter: importing and making an SDK; the first row."""
    make = "from imednet import ImednetSDK; ImednetSDK('benchmark', 'benchmark')"
    ours_row = (
        "import sys; from imednet import ImednetSDK\n"
        "sdk = ImednetSDK('benchmark', 'benchmark', sys.argv[1])\n"
        "next(sdk.records.iter('BENCH', page_size=25))"
    )
    raw_row = (
        "import sys, json, urllib3\n"
        "body = urllib3.PoolManager().request('GET', sys.argv[1] + '/x?page=0&size=25').data\n"
        "json.loads(body)['data'][0]"
    )
    with server(1000) as url:
        bare, making, importing, row, raw = cold(
            cpu("pass"), cpu(make), cpu("import urllib3"), cpu(ours_row, url), cpu(raw_row, url)
        )
    detail = f"({(making - bare) * 1000:.0f} against {(importing - bare) * 1000:.0f} ms)"
    ratio = (making - bare) / (importing - bare)
    report("import and make an SDK / import urllib3", ratio, 0.75, "x", least=False, detail=detail)
    detail = f"({(row - bare) * 1000:.0f} against {(raw - bare) * 1000:.0f} ms)"
    report(
        "first row, cold / urllib3 + json",
        (row - bare) / (raw - bare),
        2.0,
        "x",
        least=False,
        detail=detail,
    )


def bench_size() -> None:
    """What the core and its dependencies take on disk, and zipped."""
    with tempfile.TemporaryDirectory() as folder:
        target, archive = Path(folder) / "site", Path(folder) / "core.zip"
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-compile",
            "--target",
            str(target),
        ]
        subprocess.run([*pip, str(HERE.parent)], check=True)
        files = [path for path in target.rglob("*") if path.is_file()]
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(target))
        installed = sum(path.stat().st_size for path in files) / 1e6
        report("core and dependencies installed", installed, 5, " MB", least=False)
        report("the same, zipped", archive.stat().st_size / 1e6, 2, " MB", least=False)


def bench_frame(total: int = 50_000) -> None:
    """A typed frame of 50,000 records and 20 questions, against pandas with its own conversion."""
    from frame import floor_of, made_up, ours_of

    records, rows, variables = made_up(total)
    ours, theirs = medians(lambda: ours_of(records, variables), lambda: floor_of(rows))
    detail = f"({ours * 1000:.0f} against {theirs * 1000:.0f} ms)"
    report("record_mapper / pandas", theirs / ours, 0.8, "x", least=True, detail=detail)


def bench_dashboard(subjects: int = 20_000, sites: int = 200) -> None:
    """Each page's first view once the study is read, and one change a page."""
    from dashboard import PAGES, WORKBENCH, Reader, simulated

    with simulated(subjects, sites) as url:
        reader = Reader()
        whole = reader.connect(url)
        print(f"       reading {subjects:,} subjects and showing Home: {whole:.1f} s")
        for page, change in (PAGES | WORKBENCH).items():
            name = page.replace("_", " ").title()
            if page in WORKBENCH:
                first = reader.opens(page) + (reader.filters(*change) if change else 0)
                print(f"       reading and making what {name} needs: {first:.1f} s")
            report(f"{name}, first view", reader.opens(page), 3, " s", least=False)
            if change is not None:
                taken, what = reader.filters(*change), change[1].split("_")[-1]
                report(f"{name}, a filter", taken, 0.5, " s", least=False, detail=what)


BENCHMARKS = {
    "list": bench_list,
    "wait": bench_wait,
    "memory": bench_memory,
    "start": bench_start,
    "size": bench_size,
    "frame": bench_frame,
    "dashboard": bench_dashboard,
}


def main(names: list[str]) -> None:
    """Run one benchmark here, several each in a process of its own: none inherits memory."""
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"There is no benchmark {name!r}: give some of {', '.join(BENCHMARKS)}.")
    if len(names) != 1:
        for name in names or BENCHMARKS:
            subprocess.run([sys.executable, __file__, name], check=True)
    elif resource is None and names[0] in ("memory", "start"):
        print(f"       {names[0]}: not measured, as Python has no module `resource` on Windows")
    else:
        BENCHMARKS[names[0]]()


if __name__ == "__main__":
    os.environ.pop("IMEDNET_BASE_URL", None)
    main(sys.argv[1:])
