"""Steps that run a script: code in the flow, or a stored script of the workspace or the hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flowapp.engine import homes, inputs, preprocess, wiping, workflows
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.inputs import Evaluated
from flowapp.engine.libraries import LibraryMissing, libraries_of
from flowapp.engine.values import Attempt, Done, LeafCall, LibraryScript, Limit, Module, StepInfo
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.steps import Try

PREPROCESSOR = "preprocessor"
"""The step id, and the function's name: wherever a module of this id stands, it is this function that runs."""
_ARGUMENT = re.compile(r"\$args\[([^\]]+)\]")
LONGEST_KEY = 500


@dataclass(frozen=True, slots=True)
class Source:
    """A script's code, and what it asks for by itself."""

    code: str
    language: str
    lock: str | None = None
    path: str = ""
    hash: str = ""
    tag: str = ""
    timeout_s: float | None = None
    cache_ttl: float | None = None
    limit: Limit | None = None
    priority: int = 0
    envs: tuple[str, ...] = ()
    libraries: tuple[LibraryScript, ...] = ()
    delete_after_s: float | None = None


async def run(interpreter: Interpreter, work: Try) -> Attempt:
    """One attempt at a script step. Whatever keeps it from running is the step's error."""
    module, info = work.module, work.info
    journal = interpreter.ports.journal
    source = await source_of(interpreter, module, info)
    if isinstance(source, Done):
        return source, journal.open(info, work.attempt, None), None
    if source.path:
        info = wiping.noted(info, source.delete_after_s).noted(source.language, script=source.path, hash=source.hash)
    info = replace(info, tag=tag_of(interpreter, source.tag))
    lost = homes.refused(interpreter, info)
    if lost is not None:
        return lost, journal.open(info, work.attempt, None), None
    info = homes.noted(interpreter, info)
    try:
        source = await _with_libraries(interpreter, source)
    except LibraryMissing as error:
        text = f"{error.message} {error.hint}"
        failed = Done(error_value("ExecutionErr", text, step_id=info.step_id), failed=True)
        return failed, journal.open(info, work.attempt, None), None
    if source.libraries:
        info = info.noted(libraries={script.path: script.hash for script in source.libraries})
    evaluated = await inputs.of_attempt(interpreter, work)
    if isinstance(evaluated, Done):
        return evaluated, journal.open(info, work.attempt, None), None
    if module.get("apply_preprocessor") and interpreter.started.event is not None:
        prepared = await preprocess.arguments(interpreter, source, info)
        if prepared.failed:
            return prepared, journal.open(info, work.attempt, None), None
        evaluated = Evaluated(prepared.value, evaluated.timeout_s)
    step = journal.open(info, work.attempt, evaluated.kept or evaluated.args)
    call = call_of(interpreter, module, info, source, evaluated, work.attempt)
    outcome = await workflows.run(interpreter, work, call, step)
    return Done(outcome.value, failed=outcome.status in ("failure", "canceled")), step, outcome


def call_of(
    interpreter: Interpreter,
    module: Module,
    info: StepInfo,
    source: Source,
    evaluated: Evaluated,
    attempt: int,
    entrypoint: str = "",
) -> LeafCall:
    """What the runtimes are to run."""
    ttl = module.get("cache_ttl") or source.cache_ttl
    return LeafCall(
        info=info,
        code=source.code,
        language=source.language,
        lock=source.lock,
        args=evaluated.args,
        timeout_s=evaluated.timeout_s or source.timeout_s or interpreter.rules.timeout_s,
        attempt=attempt,
        cache_ttl=float(ttl) if ttl else None,
        cache_by_content=bool(ttl) and module.get("cache_ignore_s3_path") is True,
        entrypoint=entrypoint
        or (PREPROCESSOR if info.step_id == PREPROCESSOR else interpreter.started.function or "main"),
        kept=evaluated.kept,
        frame=interpreter.frame,
        script_path=source.path,
        script_hash=source.hash,
        tag=info.tag,
        priority=_priority(interpreter, module, source),
        envs=source.envs,
        limit=_filled(source.limit, evaluated.args),
        here=bool(interpreter.value.get("same_worker")),
        libraries=source.libraries,
    )


def _priority(interpreter: Interpreter, module: Module, source: Source) -> int:
    """A step's own priority, else that of its flow or run, else what the stored script asks for."""
    given = module.get("priority") or interpreter.value.get("priority") or interpreter.started.priority
    return int(given or source.priority)


async def _with_libraries(interpreter: Interpreter, source: Source) -> Source:
    path = source.path or interpreter.frame.path
    found = await libraries_of(interpreter.ports.library, source.language, source.code, path)
    return replace(source, libraries=found) if found else source


async def source_of(interpreter: Interpreter, module: Module, info: StepInfo) -> Source | Done:
    """The code of a script step; a stored script that is not there is the step's error."""
    value = module["value"]
    if info.kind != "script":
        return Source(
            code=str(value.get("content") or ""),
            language=str(value.get("language")),
            lock=value.get("lock"),
            tag=str(value.get("tag") or ""),
            limit=_own_limit(value, f"{interpreter.frame.path or interpreter.frame.job_id}/{info.step_id}"),
        )
    path, pinned = str(value.get("path") or ""), value.get("hash")
    try:
        stored = await interpreter.ports.library.script(path, None if pinned is None else str(pinned))
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        return Done(error_value("ExecutionErr", error.message, step_id=info.step_id), failed=True)
    limit = None
    if stored.concurrent_limit and stored.concurrent_limit > 0:
        key = stored.concurrency_key or stored.path
        limit = Limit(key, stored.concurrent_limit, stored.concurrency_time_window_s or 0.0)
    return Source(
        code=stored.content,
        language=stored.language,
        lock=stored.lock,
        path=stored.path,
        hash=stored.hash,
        tag=str(value.get("tag_override") or value.get("tag") or stored.tag or ""),
        timeout_s=stored.timeout_s,
        cache_ttl=stored.cache_ttl,
        limit=limit,
        priority=stored.priority,
        envs=stored.envs,
        delete_after_s=stored.delete_after_s,
    )


def tag_of(interpreter: Interpreter, own: str) -> str:
    """The flow's own tag comes before those of its steps, unless it says that they keep theirs."""
    whole = interpreter.started.tag or str(interpreter.flow.get("tag") or "")
    if whole and not (own and interpreter.value.get("preserve_step_tags")):
        return whole
    return own


def _own_limit(value: Mapping[str, Any], place: str) -> Limit | None:
    most = value.get("concurrent_limit")
    if not isinstance(most, int) or isinstance(most, bool) or most <= 0:
        return None
    return Limit(
        str(value.get("custom_concurrency_key") or place), most, float(value.get("concurrency_time_window_s") or 0)
    )


def _filled(limit: Limit | None, args: JsonText) -> Limit | None:
    return limit if limit is None else Limit(key_of(limit.key, args), limit.most, limit.window_s)


def key_of(key: str, args: JsonText) -> str:
    """A key with `$args[name]` replaced by the argument (text as it is, anything else as JSON)."""
    if "$args[" not in key:
        return key
    given = loads(args)

    def argument(found: re.Match[str]) -> str:
        value = given.get(found[1].strip("\"' ")) if isinstance(given, dict) else None
        return value if isinstance(value, str) else dumps(value)

    return _ARGUMENT.sub(argument, key)[:LONGEST_KEY]
