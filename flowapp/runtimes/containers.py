"""Bash cells that begin with `# docker`: the script says which container to run, and Podman or Docker runs it.

The script itself runs in a sandbox as every Bash cell does, where `docker` and `podman` only write down what they are asked for.
What is asked is checked here against the few options that give a container nothing of the host, and run with the job's limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import signal
import time
import uuid
from typing import Any

from flowapp.jsontext import JsonText
from flowapp.runtimes import (
    container_client,
    container_marks,
    container_secrets,
    container_ulimits,
    container_variables,
    handover,
)
from flowapp.runtimes.adapters import Prepared, Refused, Talk
from flowapp.runtimes.container_marks import Mark
from flowapp.runtimes.container_output import Output
from flowapp.runtimes.guest.bash_cell import LastLine
from flowapp.runtimes.jobs import Job, Outcome, RuntimeSettings

LEVEL = "container"
_ASKED = re.compile(r"\A(?:#!.*\n)?\s*#\s*docker\s*$", re.MULTILINE)
_NONE = (
    "This cell runs in a container (`# docker`), and {why}. Install an engine with: sudo apt install podman "
    "(or Docker), and see that the user of the server may use it."
)
_ENGINES = ("podman", "docker")
_ANSWER_S = 15.0
_LOOK_S = 0.1
_AGAIN_S = 60.0
_MOST = 8
_FILE_TOO_LARGE = 128 + signal.SIGXFSZ
#: options of `run` without and with a value that are handed on, or (False) not needed here
_PLAIN = {"-i": False, "--interactive": False, "-t": False, "--tty": False, "-d": False, "--detach": False, "--rm": False,
          "--init": True, "-it": False, "-ti": False, "-itd": False, "-dit": False, "-di": False, "-id": False, "-td": False}  # fmt: skip
_VALUED = {"--name": False, "-e": True, "--env": True, "-w": True, "--workdir": True, "--entrypoint": True,
           "--platform": True, "--pull": True, "-h": True, "--hostname": True, "-l": False, "--label": False}  # fmt: skip
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,250}")


def asks_for_one(code: str) -> bool:
    """Whether a Bash cell is one that runs a container."""
    return _ASKED.search(code) is not None


def command_of(asked: list[str]) -> list[str]:
    """What follows `run` on the command line: options that are allowed, image, command.

    Raises:
        Refused: it asks for something else.
    """
    kept: list[str] = []
    rest = list(asked)
    while rest and rest[0].startswith("-"):
        option, equals, given = rest.pop(0).partition("=")
        if option in _PLAIN and not equals:
            kept += [option] * _PLAIN[option]
            continue
        if option not in _VALUED:
            raise Refused(
                f"A container cannot be run with {option}: it could reach more than a step may. Allowed are {_allowed()}."
            )
        if not equals:
            if not rest:
                raise Refused(f"{option} needs a value.")
            given = rest.pop(0)
        # A variable without a value would be taken from the server's environment.
        if option in ("-e", "--env") and "=" not in given:
            raise Refused(f"{option} needs name=value, not {given!r}.")
        kept += (
            [f"{option}={given}"] if option.startswith("--") and _VALUED[option] else [option, given] * _VALUED[option]
        )
    if not rest or not _IMAGE.fullmatch(rest[0]):
        raise Refused("`docker run` needs the name of an image.")
    return [*kept, *rest]


def _allowed() -> str:
    return ", ".join(sorted({*_PLAIN, *_VALUED} - {"-it", "-ti", "-itd", "-dit", "-di", "-id", "-td"}))


class Containers:
    """The engine of this host, if one answers."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self.marks = container_marks.Marks(settings.home / "runtimes" / "containers")
        self._engine: str | None = None
        self._takes_files = False
        self._ulimits: list[str] = []
        self._why = "neither Podman nor Docker is installed"
        self._asked_at = float("-inf")
        self._places = asyncio.Semaphore(_MOST)

    async def run(self, job: Job, talk: Talk, place: re.Pattern[str]) -> Outcome:
        """Run the script in a sandbox, then the container that it asks for.

        Raises:
            Refused: there is no engine, or the container asks for too much.
        """
        engine = await self._found()
        script = Prepared("script", handover.texts(job, runs="bash", container=True), place)
        outcome = await talk.attempt(job, script, talk.tell)
        if outcome.error is not None:
            return outcome
        command = command_of(json.loads(outcome.result or "[]"))
        apart: dict[str, str] = {}
        if container_client.is_podman(engine):
            command, apart = container_variables.set_apart(command, self._takes_files)
        await container_client.unless_canceled(self._places.acquire(), talk.is_canceled)
        try:
            name = f"flowapp-{uuid.uuid4().hex}"
            secrets = container_secrets.names(name, len(apart))
            async with self.marks.of(engine, name, secrets) as mark:
                more = await container_secrets.made(engine, secrets, apart, talk.is_canceled)
                return await self._contained(engine, name, job, [*more, *command], talk, mark)
        finally:
            self._places.release()

    def sweep(self) -> None:
        """End the containers of a server on this data folder that was killed. Returns at once: an engine may take its time."""
        self.marks.sweep()

    async def close(self) -> None:
        """Leave what is still to be ended to the next start."""
        await self.marks.close()

    async def _found(self) -> str:
        """The program of an engine that answers; asked again after a minute."""
        if self._engine is None and time.monotonic() - self._asked_at > _AGAIN_S:
            self._asked_at = time.monotonic()
            for name in _ENGINES:
                program = shutil.which(name)
                if program is None:
                    continue
                problem = await _ask(program)
                if problem is None:
                    version = await container_client.version_of(program)
                    self._takes_files = container_variables.reads_as_it_stands(version or "")
                    self._ulimits = (
                        await container_ulimits.configured(program) if container_client.is_podman(program) else []
                    )
                    self._engine = program
                    break
                self._why = f"{name.capitalize()} is installed and does not answer ({problem})"
        if self._engine is None:
            raise Refused(_NONE.format(why=self._why))
        return self._engine

    def limits_of(self, job: Job) -> list[str]:
        """The job's limits as options of `run`, and its shared folder as /shared."""
        options = [
            f"--memory={job.limits.memory_mb}m",
            f"--pids-limit={job.limits.processes}",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
        ]
        if self._settings.cpus:
            options.append(f"--cpus={self._settings.cpus}")
        if not self._settings.network:
            options.append("--network=none")
        return options if job.shared is None else [*options, f"--volume={job.shared}:/shared"]

    async def _client(self, engine: str, options: list[str], command: list[str]) -> asyncio.subprocess.Process:
        variables = b""
        if self._takes_files:
            command, variables = container_variables.taken_out(command)
        with container_variables.readable(variables) as given:
            pipe = asyncio.subprocess.PIPE
            return await container_client.started(
                engine, "run", "--rm", *options, *command, stdin=given, stdout=pipe, stderr=pipe, apart=True
            )

    async def _contained(self, engine: str, name: str, job: Job, command: list[str], talk: Talk, mark: Mark) -> Outcome:
        begun = time.perf_counter()
        # Podman would copy the server's proxies into the container; what it needs of them, a cell names itself.
        proxies = ["--http-proxy=false"] * container_client.is_podman(engine)
        limits = [*proxies, *self.limits_of(job), *container_ulimits.options(self._ulimits, job.limits.file_mb)]
        process = await self._client(engine, [f"--name={name}", *limits], command)
        if process.stdout is None or process.stderr is None:
            raise Refused("The container's output cannot be read.")
        output = Output(talk.tell, job.limits.output_bytes, LastLine())
        reading = asyncio.gather(output.read(process.stdout, True), output.read(process.stderr, False), process.wait())
        ended = ""
        try:
            until = time.monotonic() + job.timeout_s
            while not reading.done() and not ended:
                await asyncio.wait({reading}, timeout=_LOOK_S)
                ended = "Canceled" if talk.is_canceled() else "Timeout" if time.monotonic() > until else ""
        finally:
            if not reading.done():
                mark.stays = True
                mark.stays = not await asyncio.shield(_remove(engine, name, process))
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading
        duration = (time.perf_counter() - begun) * 1000
        error = _error(job, ended, process.returncode, output.tail)
        result = (
            None if error else JsonText(json.dumps(output.last.line().decode("utf-8", "replace"), ensure_ascii=False))
        )
        return Outcome(result, error, duration, LEVEL, output.truncated)


async def _ask(program: str) -> str | None:
    """Whether an engine answers: None, or what it says instead."""
    asked = await container_client.started(program, "info", stderr=asyncio.subprocess.PIPE)
    try:
        _, said = await asyncio.wait_for(asked.communicate(), _ANSWER_S)
    except TimeoutError:
        asked.kill()
        await asked.wait()
        return "it takes too long"
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return None if asked.returncode == 0 else (lines[-1][:200] if lines else f"exit code {asked.returncode}")


async def _remove(engine: str, name: str, process: asyncio.subprocess.Process) -> bool:
    """End a container with everything in it, and the client that waits for it; whether the engine did so."""
    done = False
    with contextlib.suppress(OSError):
        done = await container_marks.end(engine, name) == 0
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    return done


def _error(job: Job, ended: str, status: int | None, tail: str) -> dict[str, Any] | None:
    if ended == "Timeout":
        return {"name": ended, "message": f"The step ran longer than its {job.timeout_s:g} s and was stopped."}
    if ended:
        return {"name": ended, "message": "The step was canceled."}
    if status == 0:
        return None
    lines = "\n".join(tail.strip().splitlines()[-20:])
    # What was ended by a signal says so by its exit code, as in a shell.
    limit = f" (it wrote a file larger than its limit of {job.limits.file_mb} MB)" if status == _FILE_TOO_LARGE else ""
    message = f"exit code of the container: {status}{limit}, last log lines:\n{lines}".rstrip()
    return {"name": "ExecutionErr", "message": message, "exit_code": status}
