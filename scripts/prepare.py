#!/usr/bin/env python3
"""Make the virtual environment and install the pinned packages; does nothing when that is already done.

Only the standard library, because nothing else is there yet. Usage: prepare.py run|dev. Packages come from wherever the
user's own pip configuration says; uv, which installs them quickly, does not read it, so it is handed over. Bun comes from
the user's npm registry, without npm.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = "uv==0.9.30"
REQUIREMENTS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}
#: Python jobs have packages of their own, so that they see none of the server's
JOBS_VENV = VENV / "jobs"
JOBS_REQUIREMENTS = "requirements-jobs.txt"
#: drivers of databases and tools for editing, which only processes of ours see
SQL_FOLDER = VENV / "sql"
SQL_REQUIREMENTS = "requirements-sql.txt"
EDITING_REQUIREMENTS = "requirements-editing.txt"
#: installs Bun out of its npm package, beside the Python packages; a slow line must not hold up the first start
BUN = "flowapp/runtimes/bun_package.py"
BUN_SECONDS = 30
_TAIL = 1500
#: tells uv what pip is configured with; the server uses it too
PIP_SETTINGS = "flowapp/runtimes/packages/pip_settings.py"
#: jobs run as users of their own, which read what is installed for them
_FOR_ALL = 0o022


class Failed(Exception):
    """A step did not work; the message is for people."""


def main(kind: str) -> int:
    """Prepare for `run` or `dev`; answers the exit status."""
    try:
        if not _is_done(kind):
            with _locked():
                if not _is_done(kind):
                    _prepare(kind)
    except Failed as failure:
        print(f"flowapp: {failure}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"flowapp: {error.filename} cannot be written. Clone into a folder of your own.", file=sys.stderr)
        return 1
    return 0


def _prepare(kind: str) -> None:
    begun = time.monotonic()
    _make_venv()
    print("Installing Python packages (once) …", flush=True)
    uv = VENV / "bin/uv"
    if not uv.exists():
        _run([str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    command = [str(uv), "pip", "install", "--quiet", "--python", str(VENV / "bin/python")]
    environment = _uv_environment()
    with _bun_meanwhile():
        _run([*command, "-r", REQUIREMENTS[kind]], environment)
        _prepare_jobs(str(uv), environment)
    for done in sorted({kind, "run"}):  # the development set holds the other
        _stamp(done).write_text(_fingerprint(done))
    print(f"Installed in {time.monotonic() - begun:.0f} s.", flush=True)


def _prepare_jobs(uv: str, environment: dict[str, str]) -> None:
    """The environment of Python jobs; the drivers of SQL cells and the tools for editing. What somebody has added to the first stays."""
    python = JOBS_VENV / "bin/python"
    if not python.exists():
        made = [uv, "venv", "--quiet", "--clear", "--python", str(VENV / "bin/python"), str(JOBS_VENV)]
        _run(made, environment, _FOR_ALL)
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    _run([*install, "-r", JOBS_REQUIREMENTS], environment, _FOR_ALL)
    # Compiled now: jobs cannot write, and would compile them anew each time.
    listed = ("-r", SQL_REQUIREMENTS, "-r", EDITING_REQUIREMENTS)
    _run([*install, "--compile-bytecode", "--target", str(SQL_FOLDER), *listed], environment, _FOR_ALL)


@contextlib.contextmanager
def _bun_meanwhile() -> Iterator[None]:
    """Fetch Bun while the block runs. Without it everything works: the server fetches it when a cell needs it."""
    command = [str(VENV / "bin/python"), "-I", BUN, str(VENV), str(BUN_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as fetching:
        try:
            yield
        except BaseException:
            fetching.send_signal(signal.SIGINT)  # it removes what is half fetched
            raise
        _, said = fetching.communicate()
    if fetching.returncode != 0:
        why = said.strip().splitlines()[-1:] or [f"exit code {fetching.returncode}"]
        print(f"Bun was not installed ({why[0][:300]}). The first cell that needs it tries again.", flush=True)


def _make_venv() -> None:
    """Make `.venv`; one that another interpreter made, or that was left half made, is made anew."""
    marker = VENV / "flowapp-interpreter"
    if marker.exists() and marker.read_text() == _interpreter() and (VENV / "bin/pip").exists():
        return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        raise Failed(f"{VENV} is in the way and is not a virtual environment. Move it elsewhere.")
    print("Making the virtual environment …", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        if "ensurepip" in made.stdout + made.stderr:
            raise Failed("Python's venv module is not complete. On Debian and Ubuntu: apt install python3-venv")
        raise Failed(f"the virtual environment could not be made: {_tail(made.stdout + made.stderr)}")
    marker.write_text(_interpreter())


def _uv_environment() -> dict[str, str]:
    """The user's pip configuration in uv's words."""
    settings = runpy.run_path(str(ROOT / PIP_SETTINGS))
    listed = settings["configuration"](VENV / "bin/python")
    environment: dict[str, str] = settings["uv_environment"](listed, ROOT)
    return environment


def _is_done(kind: str) -> bool:
    with contextlib.suppress(OSError):
        return _stamp(kind).read_text() == _fingerprint(kind)
    return False


def _stamp(kind: str) -> Path:
    return VENV / f"flowapp-{kind}.fingerprint"


def _fingerprint(kind: str) -> str:
    digest = hashlib.sha256(f"{_interpreter()}\n{UV}\n{VENV}\n".encode())
    for name in sorted(
        {"requirements.txt", REQUIREMENTS[kind], JOBS_REQUIREMENTS, SQL_REQUIREMENTS, EDITING_REQUIREMENTS, BUN}
    ):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _interpreter() -> str:
    return f"{os.path.realpath(sys.executable)} {sys.version_info[0]}.{sys.version_info[1]}"


def _run(command: list[str], environment: dict[str, str] | None = None, umask: int = -1) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, umask=umask)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])} … failed:\n{_tail(done.stdout + done.stderr)}")
    return done.stdout


def _tail(text: str) -> str:
    return text.strip()[-_TAIL:]


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One preparation at a time; the lock is on the project folder itself, so that nothing is left behind."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in REQUIREMENTS:
        sys.exit("usage: prepare.py run|dev")
    sys.exit(main(sys.argv[1]))
