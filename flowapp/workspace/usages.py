"""Who uses a stored thing: what is looked at before one is deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Target, missing, require
from flowapp.engine.libraries import imports_of
from flowapp.jsontext import loads
from flowapp.openflow.walk import kind_of, tools, walk
from flowapp.store import (
    drafts,
    flow_versions,
    message_settings,
    object_settings,
    resource_types,
    resources,
    schedules,
    scripts,
    variables,
)
from flowapp.store.tables import DraftRow, FlowVersionRow, ResourceRow, ResourceTypeRow, ScheduleRow, ScriptRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.schedule_shapes import HANDLERS, Options, handler
from flowapp.workspace.stored import enter, reading

AGENT = "ai_agent"
"""The type of resources that are agents."""
Kind = Literal["variable", "resource"]
Used = Literal["variable", "resource", "resource_type", "script", "flow"]
_Row: TypeAlias = FlowVersionRow | DraftRow | ScriptRow | ResourceRow | ResourceTypeRow | ScheduleRow

#: How texts name one: references in data, expressions, and calls of the clients in Python and TypeScript.
_NAMES = {
    "variable": (r"\$(?:json)?var:", r"\bvariable\(\s*{quote}", r"\b[gs]et_?[vV]ariable\(\s*{quote}"),
    "resource": (
        r"\$res:",
        r"\bresource\(\s*{quote}",
        r"\b[gs]et_?[rR]esource\(\s*{quote}",
        r"\b(?:resource(?:_path)?|agent)\\*\"\s*:\s*{quote}",  # messages about an approval, agents and their tools
        r"--(?:[ ]|\t|\\t)*database(?:[ ]|\t|\\t)+",  # what an SQL script connects to
    ),
}
#: In the JSON text of a document quotes are escaped.
_QUOTE = r"\\*[\"'`](?:\$(?:var|res):)?"


class Usages:
    """Use-cases about uses."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def of(self, identity: Identity, kind: str, path: str) -> list[str]:
        """What uses a stored thing and may be read by the identity: `flow f/a/b`, `draft …`, `schedule …`, `settings: …`.

        Newest versions only, and of drafts one's own. What names it is found by its text: a path that is put together at run
        time is not. Of the workspace's settings everybody who may read the thing learns that they name it, because files and
        messages would stop.

        Raises:
            NotFound, NotAllowed: the thing is not there, or is not the identity's to look at.
            BadRequest: nothing of that kind is ever used.
        """
        enter(identity)
        if kind not in get_args(Used):
            raise BadRequest(f"There are no uses of a {kind[:40]!r}.", f"Use one of {', '.join(get_args(Used))}.")
        used: Used = kind  # type: ignore[assignment]  # of the five, as was just asked
        _require(identity, used, path)

        def read(connection: Connection) -> list[str]:
            if not _EXISTS[used](connection, identity.workspace, path):
                raise missing(used.replace("_", " "))
            return users_of(connection, identity, used, path)

        return await self._database.read(read)


def users_of(connection: Connection, identity: Identity, kind: Used, path: str) -> list[str]:
    """See `Usages.of`, for whoever has asked whether the thing may be looked at."""
    uses = _TESTS[kind](path)
    found = [f"{word} {name}" for word, name, row in _readable(connection, identity) if uses(row)]
    return found + (list(_settings(connection, identity.workspace, path)) if kind == "resource" else [])


def names(kind: Kind, path: str, text: str) -> bool:
    """Whether a script, or the JSON text of a document or value, names the variable or resource at `path`."""
    return _pattern(kind, path).search(text) is not None


def calls(flow: Mapping[str, Any], path: str, kind: Literal["script", "flow"] = "script") -> bool:
    """Whether a step of a flow, or a tool of an agent in it, is the script or flow at `path`."""
    modules = [one for place in walk(flow) for one in (place.module, *tools(place.module))]
    return any(kind_of(module) == kind and module["value"].get("path") == path for module in modules)


def imports(language: str, code: str, base: str, path: str) -> bool:
    """Whether code that is stored at `base` imports the script at `path`."""
    return any(path in wanted.candidates for wanted in imports_of(language, code, base))


def _require(identity: Identity, kind: Used, path: str) -> None:
    match kind:
        case "variable":
            require(identity, reading(identity, "variable"), guard.variable_target(identity, path))
        case "resource":
            require(identity, reading(identity, "resource"), guard.resource_target(identity, path))
        case "resource_type":
            require(identity, "resource_type.read", Target(identity.workspace, "resource type"))
        case "script":
            require(identity, "script.read", guard.script_target(identity, path))
        case "flow":
            require(identity, "flow.read", guard.flow_target(identity, path))


_EXISTS: Mapping[Used, Callable[[Connection, str, str], object]] = {
    "variable": variables.get,
    "resource": resources.get,
    "resource_type": resource_types.get,
    "script": scripts.head,
    "flow": flow_versions.newest,
}


def _readable(connection: Connection, identity: Identity) -> Iterator[tuple[str, str, _Row]]:
    """Everything that can use something and that the identity may read: a word, its path, its row."""
    yield from _written(connection, identity)
    yield from _beside(connection, identity)


def _written(connection: Connection, identity: Identity) -> Iterator[tuple[str, str, _Row]]:
    """Flows, drafts and scripts."""
    workspace = identity.workspace
    for flow in flow_versions.heads(connection, workspace):
        if guard.may(identity, "flow.read", guard.flow_target(identity, flow.path)):
            yield "flow", flow.path, flow
    for light in drafts.list_of(connection, workspace, identity.username):
        draft = drafts.get(connection, light.id)
        if draft is not None and guard.may(identity, "draft.read", guard.draft_target(draft)):
            yield "draft", draft.path, draft
    for script in scripts.heads(connection, workspace, code=True):
        if guard.may(identity, "script.read", guard.script_target(identity, script.path)):
            yield "script", script.path, script


def _beside(connection: Connection, identity: Identity) -> Iterator[tuple[str, str, _Row]]:
    """What stands beside them: resources, their types, schedules."""
    workspace = identity.workspace
    for resource in resources.listing(connection, workspace):
        if guard.may(identity, reading(identity, "resource"), guard.resource_target(identity, resource.path)):
            yield "resource", resource.path, resource
    if guard.may(identity, "resource_type.read", Target(workspace, "resource type")):
        for one in resource_types.listing(connection, workspace):
            yield "resource type", one.name, one
    for row in schedules.listing(connection, workspace):
        if guard.may(identity, "schedule.read", Target(workspace, "schedule", path=row.path)):
            yield "schedule", row.path, row


def _settings(connection: Connection, workspace: str, path: str) -> Iterator[str]:
    """Which settings of the workspace name a resource."""
    told = message_settings.of(connection, workspace)
    if told is not None and any(channel.resource == path for channel in told.channels):
        yield "settings: messages about approvals"
    chosen, _ = object_settings.of(connection, workspace)
    if any(one.path == path for one in chosen.values()):
        yield "settings: where files are kept"


# --- what using is, by what is used -----------------------------------------------------------------------------------


def _naming(kind: Kind) -> Callable[[str], Callable[[_Row], bool]]:
    def test(path: str) -> Callable[[_Row], bool]:
        pattern = _pattern(kind, path)
        own = (kind, path)

        def uses(row: _Row) -> bool:
            if isinstance(row, ResourceRow) and ("resource", row.path) == own:
                return False  # it goes with itself
            return any(pattern.search(text) for text in _texts(row))

        return uses

    return test


def _texts(row: _Row) -> tuple[str, ...]:
    """Where a row may name a variable or resource."""
    match row:
        case ScriptRow():
            return (row.content, row.schema_text or "")  # an input's default may be one
        case ResourceRow():
            return (row.value,)
        case ResourceTypeRow():
            return (row.schema_text,)
        case ScheduleRow():
            return (row.args, row.options)
    return (row.document,)


def _typed(name: str) -> Callable[[_Row], bool]:
    # the quotes are not escaped: in a document that would be the text of a script
    pattern = re.compile(rf'(?<!\\)"format"\s*:\s*"resource-{re.escape(name)}"')

    def uses(row: _Row) -> bool:
        match row:
            case ResourceRow():
                return row.resource_type == name
            case ScriptRow():
                return pattern.search(row.schema_text or "") is not None
            case ResourceTypeRow():
                return row.name != name and pattern.search(row.schema_text) is not None
            case ScheduleRow():
                return False
        return pattern.search(row.document) is not None

    return uses


def _calling(kind: Literal["script", "flow"]) -> Callable[[str], Callable[[_Row], bool]]:
    def test(path: str) -> Callable[[_Row], bool]:
        name = path.rpartition("/")[2]

        def uses(row: _Row) -> bool:
            match row:
                case ScheduleRow():
                    return (row.script_path == path and row.is_flow is (kind == "flow")) or _handles(row, kind, path)
                case ScriptRow():
                    own = kind == "flow" or row.path == path or name not in row.content
                    return not own and imports(row.language, row.content, row.path, path)
                case FlowVersionRow():
                    own = kind == "flow" and row.path == path
                    return not own and path in row.document and calls(loads(row.document), path, kind)
                case ResourceRow():
                    return row.resource_type == AGENT and path in row.value and _is_tool(loads(row.value), path, kind)
                case DraftRow():
                    return path in row.document and calls(loads(row.document)["flow"], path, kind)
            return False

        return uses

    return test


def _is_tool(agent: Any, path: str, kind: Literal["script", "flow"]) -> bool:
    """Whether an agent that is a resource has the script or flow for a tool."""
    listed = agent.get("tools") if isinstance(agent, Mapping) else None
    return calls({"value": {"modules": [{"id": "a", "value": {"type": "aiagent", "tools": listed}}]}}, path, kind)


def _handles(row: ScheduleRow, kind: Literal["script", "flow"], path: str) -> bool:
    """Whether a schedule starts it after a run, or asks it before one."""
    options = Options.of(row)
    if kind == "script" and options.text("dynamic_skip") == path:
        return True
    given = [options.text(name) for name in HANDLERS]
    return any(handler(text) == (kind == "flow", path) for text in given if text)


_TESTS: Mapping[Used, Callable[[str], Callable[[_Row], bool]]] = {
    "variable": _naming("variable"),
    "resource": _naming("resource"),
    "resource_type": _typed,
    "script": _calling("script"),
    "flow": _calling("flow"),
}


def _pattern(kind: Kind, path: str) -> re.Pattern[str]:
    begins = "|".join(name.format(quote=_QUOTE) for name in _NAMES[kind])
    return re.compile(rf"(?:{begins}){re.escape(path)}(?![\w/.@-])")
