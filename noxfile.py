"""Everything there is to run: `python3 noxfile.py demo`, `python3 noxfile.py tests` ...

Run as a program, this file makes a private environment in `.dev/`, puts nox in it,
and runs itself there: Python with venv and pip is all that is needed. With nox at
hand, `nox -s tests` does the same.

    python3 noxfile.py demo [--no-browser] [--port 8700]   a simulated study, shown
    python3 noxfile.py tests [PYTEST ARGUMENTS]            the wheels built, installed, tested
    python3 noxfile.py lowest                              the same with the oldest dependencies
    python3 noxfile.py browser [--pictures]                the dashboard in a real browser
    python3 noxfile.py template [PYTEST ARGUMENTS]         plugins made from template/, tested
    python3 noxfile.py lint                                ruff and mypy
    python3 noxfile.py docs                                the documentation, built and checked
    python3 noxfile.py package                             what is published, built and checked
    python3 noxfile.py bench [PART ...]                    what it costs, beside a floor; parts:
        list, wait, memory, start, size, frame, dashboard (20,000 subjects: takes minutes)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEV = HERE / ".dev"
NOX = "nox>=2025.5.1"
CURE = (
    "Python needs its venv and pip modules (on Debian and Ubuntu: apt install python3-venv), and "
    "pip a way to the package index (behind a proxy: set HTTPS_PROXY)."
)
SESSIONS = ("demo", "tests", "lowest", "browser", "template", "lint", "docs", "package", "bench")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = (
    f"No browser found: none of {', '.join(BROWSERS)} is on the PATH. Install one (on Debian: "
    "apt-get install chromium), or set CHROMIUM to the path of a Chromium or Chrome."
)


def bootstrap(words: list[str]) -> int:
    """Run nox in an environment of its own; returns the exit code."""
    if words in ([], ["-h"], ["--help"]):
        print(__doc__)
        return 0
    if words[0] not in SESSIONS:
        print(f"There is no session {words[0]!r}.\n\n{__doc__}", file=sys.stderr)
        return 2
    python = DEV / "nox" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not works(python):
        print("Making a private environment in .dev/ (once) ...", flush=True)
        shutil.rmtree(DEV / "nox", ignore_errors=True)
        try:
            venv.create(DEV / "nox", with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", NOX], check=True)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"That failed ({error}).\n{CURE}", file=sys.stderr)
            return 1
    command = [python, "-m", "nox", "-f", HERE / "noxfile.py", "-s", words[0], "--", *words[1:]]
    try:
        return subprocess.run(command).returncode
    except KeyboardInterrupt:
        return 130


def works(python: Path) -> bool:
    """Tell whether the private environment is there, whole, and of a Python that still is."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import nox"], capture_output=True).returncode == 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever runs this may have an older one)
        sys.exit(f"This is Python {sys.version.split()[0]}: imednet needs 3.11 or newer.")
    sys.exit(bootstrap(sys.argv[1:]))


import nox  # noqa: E402

nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.envdir = str(DEV / "sessions")
nox.options.sessions = ["lint", "tests"]

SIMULATOR = "reference-plugins/imednet-simulator"
WORKFLOWS = "reference-plugins/imednet-workflows"
STREAMLIT = "reference-plugins/imednet-streamlit"
PACKAGES = [".", SIMULATOR, WORKFLOWS, STREAMLIT]
SOURCES = [
    "imednet",
    f"{SIMULATOR}/imednet_simulator",
    f"{WORKFLOWS}/imednet_workflows",
    f"{STREAMLIT}/imednet_streamlit",
]
TEST_TOOLS = [
    "pytest>=9",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "pandas>=2.2.3",
    "scipy>=1.13",
    "trustme>=1.2",
]
TEMPLATE_TOOLS = [
    "pytest>=9",
    "pytest-xdist>=3.6",
    "cookiecutter>=2.6",
    "cruft>=2.16",
    "ruff>=0.12",
    "mypy>=1.15",
    "flit_core>=3.11,<5",
]
DOC_TOOLS = ["sphinx>=8.2,<10", "myst-parser>=4", "furo>=2025.7", "pytest>=9"]
LOGIC = "cel-expr-python>=0.1.3,<0.2"  # the workflows' extra for business logic
#: What says little of a dependency's age is tested with the newest versions alone.
ONCE = [
    "tests/docs",
    "tests/unit/cli/test_cli_plugins.py",
    "tests/unit/workflows/metrics/test_shapes.py",
    "tests/unit/workflows/test_commands.py",
]
#: Tests that need more than packages have a session of their own.
APART = {"tests/unit/template": "template", "tests/e2e": "browser", "tests/docs/built": "docs"}
#: The oldest version of each dependency that the project says it works with.
LOWEST = [
    "urllib3==2.0.7",
    "dataclasses-json==0.6.7",
    "fire==0.7.0",
    "starlette==0.46.0",
    "uvicorn==0.34.0",
    "pyreadstat==1.3.1",
    "pandas==2.2.3",
    "numpy==1.26.4 ; python_version < '3.13'",  # newer Pythons have no wheel of it
]
LOWEST_OF_PLUGINS = ["streamlit==1.63.0", "altair==5.5.0", "XlsxWriter==3.2.0"]


def build_wheels(session: nox.Session) -> dict[str, str]:
    """Build each package's sdist, and its wheel from that, so that both are whole."""
    out = DEV / "dist"
    shutil.rmtree(out, ignore_errors=True)
    session.install("-q", "build")
    for package in PACKAGES:
        session.run("python", "-m", "build", "-o", str(out), package, silent=True)
    return {wheel.name.split("-")[0]: str(wheel) for wheel in out.glob("*.whl")}


def install(session: nox.Session, *wheels: str, others: list[str]) -> None:
    """Install wheels just built, never an older package of the same name."""
    session.install("-q", *wheels, *others)
    session.install("-q", "--force-reinstall", "--no-deps", *wheels)


def run_tests(
    session: nox.Session, others: list[str], plugins: list[str], without: Sequence[str] = ()
) -> None:
    """Test the installed wheels: first without workflows and dashboard, then with them.

    What the core does without a plugin can only be seen where there is none. No
    process of a test finds the checkout by standing in it (PYTHONSAFEPATH). Of paths
    that are given, each is run where it belongs.
    """
    wheels = build_wheels(session)
    asked = [word.replace("\\", "/").rstrip("/") for word in session.posargs]
    given = [word for word in asked if word.startswith("tests/")]
    words = [word for word in session.posargs if not word.startswith(("tests/", "tests\\"))]
    words = words if session.posargs else ["-n", "auto"]
    codes = [0, 5] if session.posargs else [0]  # 5: the words given pick no test there
    env = {"PYTHONSAFEPATH": "1"}
    later = ("tests/unit/workflows", "tests/unit/streamlit", "tests/docs/with_plugins")
    for path in given:
        for folder, other in APART.items():
            if path.startswith(folder):
                session.error(f"{folder} is run by `python3 noxfile.py {other}`")
    second = [path for path in given if path.startswith(later)]
    first = [path for path in given if path not in second]
    second += [each for each in later if any(each.startswith(f"{path}/") for path in first)]
    unwanted = ["imednet-workflows", "imednet-streamlit", "orjson"]
    session.run("pip", "uninstall", "-q", "-y", *unwanted, silent=True)
    install(session, wheels["imednet"], wheels["imednet_simulator"], others=others)
    if first or not given:
        apart = [f"--ignore={folder}" for folder in (*later, *APART, *without)]
        session.run("pytest", *first, *apart, *words, env=env, success_codes=codes)
    if second or not given:
        both = wheels["imednet_workflows"], wheels["imednet_streamlit"]
        install(session, *both, others=[*others, *plugins, LOGIC])
        left = second or [folder for folder in later if not folder.startswith(tuple(without))]
        apart = [f"--ignore={folder}" for folder in without]
        session.run("pytest", *left, *apart, *words, env=env, success_codes=codes)
    if not given:
        session.install("-q", "orjson>=3.10")  # the extra `speed` must read the same
        alike = [f"tests/unit/core/test_{name}.py" for name in ("bodies", "paging", "decoding")]
        session.run("pytest", *alike, *words, env=env, success_codes=codes)


@nox.session
def tests(session: nox.Session) -> None:
    """Test the installed wheels, not the checkout."""
    run_tests(session, TEST_TOOLS, [])


@nox.session
def lowest(session: nox.Session) -> None:
    """Test the wheels with the oldest dependencies that they accept."""
    once = () if session.posargs else ONCE
    run_tests(session, [*TEST_TOOLS, *LOWEST], LOWEST_OF_PLUGINS, once)


@nox.session
def browser(session: nox.Session) -> None:
    """See the dashboard in a real browser; --pictures renews those of README and docs."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        session.error(NO_BROWSER)
    env = {"PYTHONSAFEPATH": "1", "CHROMIUM": program}
    words = [word for word in session.posargs if word != "--pictures"]
    if len(words) < len(session.posargs):
        env["PICTURES"] = str(HERE / "docs" / "images")
    wheels = build_wheels(session)
    install(session, *wheels.values(), others=["pytest>=9", "playwright>=1.50", "pillow"])
    session.run("pytest", "tests/e2e", *words, env=env)


@nox.session
def template(session: nox.Session) -> None:
    """Make plugins from the template in every way; build, check, install and test them."""
    wheels = build_wheels(session)
    install(session, *wheels.values(), others=TEMPLATE_TOOLS)
    house = DEV / "wheelhouse"  # what a plugin's own environments are installed from
    for old in house.glob("imednet*"):
        old.unlink()
    needed = [f"{wheels['imednet_streamlit']}[testing]", "flit_core>=3.11,<5"]
    session.run(
        "pip", "download", "-q", "-d", str(house), "-f", str(DEV / "dist"), *needed, silent=True
    )
    words = session.posargs or ["-n", "auto", "--dist", "loadgroup"]
    env = {"PYTHONSAFEPATH": "1", "TEMPLATE_WHEELHOUSE": str(house)}
    session.run("pytest", "tests/unit/template", *words, env=env)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    session.install("-q", "ruff>=0.12", "mypy>=1.15", "pandas-stubs", "nox", *TEST_TOOLS)
    session.install("-q", *PACKAGES)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy", *SOURCES)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings being errors, and hold it against the code."""
    session.install("-q", *PACKAGES, *DOC_TOOLS)
    shutil.rmtree(DEV / "docs", ignore_errors=True)
    build = ["sphinx-build", "-W", "--keep-going", "-n", "-q", "-j", "auto"]
    session.run(*build, "docs", str(DEV / "docs"))
    session.run("pytest", "-q", "tests/docs/built", *session.posargs, env={"PYTHONSAFEPATH": "1"})
    session.log("Open .dev/docs/index.html")


@nox.session
def package(session: nox.Session) -> None:
    """Build what is published, twice and alike to the byte, and check it; it stays in .dev/package.

    The second build comes from a copy in another folder, by a user with another
    umask and time zone. Files are dated by SOURCE_DATE_EPOCH, else by the last commit.
    """
    tools = ("build", "twine>=6.1", "check-wheel-contents>=0.6.3", "deptry>=0.25")
    session.install("-q", "flit_core>=3.11,<5", *tools)
    for folder, source in zip(PACKAGES, SOURCES, strict=True):
        with session.chdir(HERE / folder):
            session.run("deptry", Path(source).name, silent=True)
    with tempfile.TemporaryDirectory() as elsewhere:
        hidden = shutil.ignore_patterns(".*", "__pycache__")
        copy = shutil.copytree(
            HERE, Path(elsewhere) / "copy", ignore=hidden, copy_function=shutil.copyfile
        )
        built = build_dated(session, HERE, DEV / "package", 0o022, "UTC")
        again = build_dated(session, copy, Path(elsewhere) / "again", 0o077, "Pacific/Auckland")
    if built != again:
        session.error(f"two builds differ: {sorted(dict(built.items() ^ again.items()))}")
    files = sorted(str(path) for path in (DEV / "package").iterdir())
    session.run("twine", "--no-color", "check", "--strict", *files)
    session.run("check-wheel-contents", *(name for name in files if name.endswith(".whl")))
    for name, digest in sorted(built.items()):
        print(digest, name)


def build_dated(
    session: nox.Session, root: Path, out: Path, umask: int, zone: str
) -> dict[str, str]:
    """Build all packages below `root` into `out`; return each file's SHA-256."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    last = ["git", "log", "-1", "--format=%ct"]
    epoch = told or subprocess.check_output(last, cwd=HERE, text=True).strip()
    env = {"SOURCE_DATE_EPOCH": epoch, "TZ": zone}
    shutil.rmtree(out, ignore_errors=True)
    before = os.umask(umask)
    try:
        for folder in PACKAGES:
            command = ("python", "-m", "build", "--no-isolation", "-o", str(out), root / folder)
            session.run(*command, env=env, silent=True)
    finally:
        os.umask(before)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


@nox.session
def demo(session: nox.Session) -> None:
    """Show the main job on a simulated study; options go to `imednet demo`."""
    session.install("-q", *PACKAGES)
    session.run("imednet", "demo", *session.posargs, success_codes=[0, 130])


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the core costs, with and without orjson, and how fast the plugins are."""
    asked = session.posargs or ["list", "wait", "memory", "start", "size", "frame", "dashboard"]
    core = [name for name in asked if name not in ("frame", "dashboard")]
    plugged = [name for name in asked if name not in core]
    unwanted = ["orjson", "imednet-workflows", "imednet-streamlit"]
    session.install("-q", ".")
    session.run("pip", "uninstall", "-q", "-y", *unwanted, silent=True)
    if core:
        session.run("python", "benchmarks/run.py", *core)
    if "list" in core:
        session.install("-q", ".[speed]")
        session.run("python", "benchmarks/run.py", "list")
    if plugged:
        session.install("-q", *PACKAGES)
        session.run("python", "benchmarks/run.py", *plugged)
