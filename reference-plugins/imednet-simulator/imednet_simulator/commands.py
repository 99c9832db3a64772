"""The commands `imednet simulate` and `imednet demo`."""

from __future__ import annotations

import gc
import re
import shlex
import socket
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet_simulator.running import Simulator


def simulate(
    *,
    port: int = 8600,
    sites: int = 12,
    subjects: int = 200,
    seed: int = 1,
    asof: str | None = None,
    api_key: str = "demo-api-key",
    security_key: str = "demo-security-key",
    latency_ms: int = 0,
    fault_rate: float = 0.0,
    rate_limit: int = 0,
    from_xpt: str | None = None,
) -> None:
    """Serve a simulated iMednet study on 127.0.0.1 until Ctrl-C.

    Args:
        port: where to listen; 0 takes any free port
        sites: number of sites of the demo study
        subjects: number of subjects of the demo study
        seed: another seed, another study; the same seed and day give the same one
        asof: the day at whose noon (UTC) the study stands, as YYYY-MM-DD (the last noon)
        api_key: what clients must send as x-api-key
        security_key: what clients must send as x-imn-security-key
        latency_ms: milliseconds to wait before each answer
        fault_rate: share of requests, 0 to 1, that get an error, a cut or a slow answer
        rate_limit: requests a second above which 429 is answered; 0 for no limit
        from_xpt: a folder of SDTM XPORT files to serve instead of the demo study
    """
    day = _day(asof)
    if subjects > 2000 and from_xpt is None:
        _say(f"Making a study of {subjects} subjects ...")
    study = {"sites": sites, "subjects": subjects, "seed": seed, "asof": day, "from_xpt": from_xpt}
    keys = {"api_key": api_key, "security_key": security_key}
    trouble = {"latency_ms": latency_ms, "fault_rate": fault_rate, "rate_limit": rate_limit}
    simulator = _make(port=port, **study, **keys, **trouble)
    _start(simulator)
    try:
        _say(_welcome(simulator))
        gc.freeze()  # the study stays: no need for the collector to walk through it again
        _until_interrupted()
    finally:
        simulator.stop()


def demo(*, port: int = 0, no_browser: bool = False) -> None:
    """Show a simulated study: a summary in the terminal, then the dashboard, connected.

    Without imednet-streamlit the summary is all, and a server to try things on.

    Args:
        port: where the dashboard listens (the simulator, if there is none); 0 takes any free port
        no_browser: open no browser, only tell the address
    """
    from imednet import ImednetSDK
    from imednet_simulator import summary

    serve = _dashboard()
    simulator = _make(port=port if serve is None else 0)
    _start(simulator)
    try:
        with ImednetSDK(simulator.api_key, simulator.security_key, simulator.url) as sdk:
            study = summary.gather(sdk, simulator.study_key, simulator.now)
        print(summary.render(study, plain=_needs_ascii()))
        print(_next_steps(simulator), flush=True)
        if serve is None:
            _until_interrupted()
        elif code := serve(port=port or _free_port(), no_browser=no_browser, demo=simulator.url):
            raise SystemExit(code)
    finally:
        simulator.stop()


def _dashboard() -> Callable[..., int] | None:
    """Return what runs the dashboard until it ends; None where imednet-streamlit is not there."""
    try:
        from imednet_streamlit.commands import serve
    except ModuleNotFoundError:
        return None
    return serve


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _refusal(f"--asof must be a date like 2026-01-31, not {text!r}") from None


def _make(**options: Any) -> Simulator:
    from imednet_simulator.running import Simulator
    from imednet_simulator.xpt import XptError

    try:
        return Simulator(**options)
    except XptError as error:
        message = f"--from-xpt: {error}; name a folder with the .xpt files of one study"
        raise _refusal(message) from error
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        raise _refusal(f"--{name.replace('_', '-')} {rest}") from error


def _start(simulator: Simulator) -> None:
    try:
        simulator.start()
    except OSError as error:
        why = error.strerror or str(error)
        message = (
            f"port {simulator.port} on 127.0.0.1 cannot be used ({why}); "
            "name another with --port, or --port 0 for any free one"
        )
        raise _refusal(message) from error


def _refusal(message: str) -> Exception:
    from imednet.errors import ConfigurationError

    return ConfigurationError(message)


def _until_interrupted() -> None:
    """Sleep; Ctrl-C comes up from here as KeyboardInterrupt."""
    while True:
        time.sleep(3600)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _settings(simulator: Simulator) -> dict[str, str]:
    return {
        "IMEDNET_BASE_URL": simulator.url,
        "IMEDNET_API_KEY": simulator.api_key,
        "IMEDNET_SECURITY_KEY": simulator.security_key,
    }


def _exports(simulator: Simulator) -> str:
    settings = _settings(simulator).items()
    return "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in settings)


def _powershell(simulator: Simulator) -> str:
    settings = _settings(simulator).items()
    return "\n".join(f"  $env:{name} = {_literal(value)}" for name, value in settings)


def _literal(text: str) -> str:
    """Return text as PowerShell takes it for nothing else."""
    return "'" + text.replace("'", "''") + "'"


def _welcome(simulator: Simulator) -> str:
    counts = {name: len(simulator.study[name]) for name in ("subjects", "sites", "records")}
    size = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    return (
        f"Study {simulator.study_key} ({size}) is served at {simulator.url}; Ctrl-C stops it.\n"
        f"To use it from another terminal:\n\n{_exports(simulator)}\n\n"
        f"or in PowerShell:\n\n{_powershell(simulator)}\n"
    )


def _needs_ascii() -> bool:
    from imednet_simulator.summary import UNICODE

    try:
        "".join(UNICODE).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _beside(name: str) -> str:
    """How to call a program of this environment: by its path, unless it is the system's own."""
    program = Path(sys.executable).with_name(name + Path(sys.executable).suffix)
    if sys.prefix == sys.base_prefix or not program.exists():
        return name
    here = Path.cwd()
    return _program(str(program.relative_to(here) if program.is_relative_to(here) else program))


def _program(path: str) -> str:
    """Return a program's path as a line begins with it: in PowerShell on Windows, else in sh."""
    if sys.platform != "win32":
        return shlex.quote(path)
    return path if re.fullmatch(r"[\w.:~\\-]+", path) else f"& {_literal(path)}"


def _next_steps(simulator: Simulator) -> str:
    key = simulator.study_key
    settings = (_powershell if sys.platform == "win32" else _exports)(simulator)
    imednet = _beside("imednet")
    return f"""
The server stays up at {simulator.url} until Ctrl-C. Try, in another terminal:

{settings}

  {imednet} sites list {key}
  {imednet} records list {key} --form-key AE --output csv --to ae.csv

or in {_beside("python")}, with the same three settings:

  from imednet import ImednetSDK
  with ImednetSDK() as sdk:
      for subject in sdk.subjects.list("{key}", site_id=3):
          print(subject.subject_key, subject.subject_status)
"""
