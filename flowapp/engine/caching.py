"""`cache_ttl` of what is no single script: loops, branches, called flows and whole flows, by everything that can go into them.

That is what they are given, and what the document says that they look up: variables and resources by their present value,
scripts and flows by their newest version, results of steps around them. What looks something up by a computed path has no
key: nobody can say beforehand what it will read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowapp.engine import libraries
from flowapp.engine.errors import INTERRUPTIONS
from flowapp.engine.inputs import Evaluated
from flowapp.engine.references import written
from flowapp.engine.scope import Scope, object_text
from flowapp.engine.values import CalledFlow, Module
from flowapp.errors import FlowappError
from flowapp.jsontext import NULL, JsonText, canonical, dumps
from flowapp.notebook.fingerprint import fingerprint
from flowapp.openflow import references
from flowapp.openflow.agents import agent_path
from flowapp.openflow.expressions import expressions
from flowapp.openflow.walk import tools as tools_of
from flowapp.openflow.walk import walk

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

CONTAINERS = frozenset({"forloopflow", "whileloopflow", "branchone", "branchall", "aiagent"})
BY_CONTENT = "cache_ignore_s3_path"
_COMPUTED = frozenset({"variable", "resource"})


@dataclass(slots=True)
class Reads:
    """What documents look up. `versions` are the hashes and numbers of scripts and flows by path."""

    variables: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    every_result: bool = False
    computed: bool = False
    versions: dict[str, str] = field(default_factory=dict)


async def of_container(interpreter: Interpreter, module: Module, scope: Scope) -> str | None:
    """The fingerprint of a loop or branch; None where there cannot be one."""
    seen = {
        "flow_input": object_text(scope.flow_input),
        "previous": scope.previous,
        "env": scope.env or NULL,
        "results": object_text(dict(sorted(scope.results.items()))),
        **(scope.answers or {}),
    }
    reads = await _reads(interpreter, interpreter.frame.path, {"value": {"modules": [module]}})
    return await _key(interpreter, "container", canonical(module["value"]), reads, seen, module)


async def of_called(
    interpreter: Interpreter,
    module: Module,
    called: CalledFlow,
    given: Evaluated,
    scope: Scope,
    event: JsonText | None = None,
) -> str | None:
    """The fingerprint of a called flow with its arguments, its event, and what it sees of the flow around it."""
    reads = await _reads(interpreter, called.path, called.flow)
    around = scope.results if reads.every_result else {i: scope.results[i] for i in reads.results if i in scope.results}
    own = called.flow["value"].get("flow_env")
    holder = module if module.get("cache_ttl") else called.flow["value"]
    args = await interpreter.ports.cache.by_content(given.args) if holder.get(BY_CONTENT) is True else given.args
    seen = {
        "args": dumps(interpreter.ports.cache.hidden(args)) if given.kept else args,
        "env": NULL if own is not None else scope.env or NULL,
        "results": object_text(dict(sorted(around.items()))),
        **({} if event is None else {"event": event}),
    }
    return await _key(interpreter, "flow", f"{called.path}@{called.version}", reads, seen, holder)


async def of_run(interpreter: Interpreter, document: str, args: JsonText) -> str | None:
    """The fingerprint of a whole flow (`document` is its value's hash)."""
    seen = {"args": args, "event": interpreter.started.event or NULL}
    reads = await _reads(interpreter, interpreter.frame.path, interpreter.flow)
    return await _key(interpreter, "run", document, reads, seen, interpreter.value)


async def _key(
    interpreter: Interpreter,
    kind: str,
    code: str,
    reads: Reads,
    seen: Mapping[str, JsonText],
    holder: Mapping[str, Any],
) -> str | None:
    """`holder` is what has the cache's settings: a module, or the value of a flow."""
    if reads.computed:
        return None
    text = object_text(seen)
    if holder.get(BY_CONTENT) is True:
        text = await interpreter.ports.cache.by_content(text)
    for mark in written(text):
        _note(reads, mark)
    wanted = [("variable", path) for path in sorted(reads.variables)]
    wanted += [("resource", path) for path in sorted(reads.resources)]
    found = [[kind, path, await _present(interpreter, kind, path)] for kind, path in wanted]
    hidden = interpreter.ports.cache.hidden(dumps(found)) if found else ""
    versions = dumps(sorted(reads.versions.items()))
    return fingerprint(kind, code, hidden, JsonText(f"{versions}{text}"))


async def _present(interpreter: Interpreter, kind: str, path: str) -> str:
    """What is at a path now; a refusal is an answer too."""
    if interpreter.ports.lookup is None:
        return ""
    try:
        return str(await interpreter.ports.lookup(kind, path))
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        return error.message


async def _reads(interpreter: Interpreter, path: str, flow: Mapping[str, Any]) -> Reads:
    """What a flow (stored at `path`) looks up, with the flows that it calls."""
    found, waiting = Reads(), [(path, flow)]
    while waiting:
        path, document = waiting.pop()
        _mentioned(document, found)
        modules = [place.module for place in walk(document)]
        tools = [tool for module in modules for tool in _inside(tools_of(module))]
        tools += [tool for module in (*modules, *tools) for tool in await _shared_tools(interpreter, module, found)]
        for module in (*modules, *tools):
            called = await _versions(interpreter, path, module.get("value") or {}, found)
            if called is not None:
                waiting.append((called.path, called.flow))
    return found


def _inside(modules: Sequence[Any]) -> list[Module]:
    return [place.module for place in walk({"value": {"modules": list(modules)}})]


async def _shared_tools(interpreter: Interpreter, module: Module, found: Reads) -> list[Module]:
    """The tools of a step whose agent is a resource, which counts as it is now."""
    value, models = module.get("value"), interpreter.ports.models
    path = agent_path(value) if isinstance(value, Mapping) else ""
    if not path:
        return []
    found.resources.add(path)
    try:
        shared = await models.agent(path) if models is not None else None
    except INTERRUPTIONS:
        raise
    except FlowappError:
        return []  # the run says why
    if shared is None:
        return []
    _mentioned({"value": {"modules": list(shared.tools)}}, found)
    return _inside(shared.tools)


def _mentioned(document: Mapping[str, Any], found: Reads) -> None:
    """What expressions and references of a document name."""
    for expression in expressions(document):
        names = references.find(expression.text)
        found.variables |= names.variables
        found.resources |= names.resources
        found.results |= names.results
        found.every_result = found.every_result or names.whole_results
        found.computed = found.computed or bool(names.names & _COMPUTED)
    for mark in written(dumps(document)):
        _note(found, mark)


def _note(found: Reads, mark: str) -> None:
    kind, _, path = mark.partition(":")
    (found.resources if kind == "$res" else found.variables).add(path)


async def _versions(
    interpreter: Interpreter, flow_path: str, value: Mapping[str, Any], found: Reads
) -> CalledFlow | None:
    """Notes what a step runs that is stored elsewhere; answers the flow that it calls, if nobody has looked into it yet."""
    kind, path, library = value.get("type"), str(value.get("path") or ""), interpreter.ports.library
    try:
        if kind == "flow" and f"flow {path}" not in found.versions:
            called = await library.flow(path, None)
            found.versions[f"flow {path}"] = str(called.version)
            return called
        code, language = str(value.get("content") or ""), str(value.get("language"))
        if kind == "script":
            pinned = value.get("hash")
            script = await library.script(path, None if pinned is None else str(pinned))
            found.versions[f"script {path}"] = script.hash
            code, language, flow_path = script.content, script.language, script.path
        if kind in ("rawscript", "script"):
            for imported in await libraries.libraries_of(library, language, code, flow_path):
                found.versions[f"script {imported.path}"] = imported.hash
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        found.versions[f"{kind} {path}"] = error.message
    return None
