"""The tools of an agent cell as the page lists them, beside their documents in the cell's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.languages import by_name
from flowapp.notebook.document import Entry
from flowapp.openflow.agents import is_agent, tool_type
from flowapp.openflow.walk import inputs_of, kind_of, tools
from flowapp.signatures import Signature, infer

_LABELS = {
    "script": "Script",
    "flow": "Flow",
    "identity": "Previous result",
    "forloopflow": "Loop",
    "whileloopflow": "While loop",
    "branchone": "First true branch",
    "branchall": "All branches",
    "aiagent": "AI agent",
}


def tools_view(entry: Entry) -> list[dict[str, Any]]:
    """`{"label", "inputs": [{"field", "type", "declared"}]}` of each tool, in their order; empty for any other cell.

    `type` is `ai`, `static` or `javascript`, and null for an input that is left out. What the code does not name is not declared.
    """
    return [_tool(tool) for tool in tools(entry.module)] if is_agent(entry.module) else []


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    kind = tool_type(tool)
    if kind != "flowmodule":
        return {"label": "MCP server" if kind == "mcp" else "Web search", "inputs": []}
    value = tool.get("value")
    if not isinstance(value, Mapping):
        return {"label": "", "inputs": []}
    transforms = inputs_of(tool)
    declared = _declared(tool)
    names = dict.fromkeys([*(declared or ()), *transforms])
    return {
        "label": _label(value, kind_of(tool)),
        "inputs": [
            {"field": name, "type": _type(transforms.get(name)), "declared": declared is None or name in declared}
            for name in names
        ],
    }


def _declared(tool: Mapping[str, Any]) -> list[str] | None:
    """The parameters of a tool's code; None where there is none, or it cannot be read."""
    value = tool["value"]
    code, language = value.get("content"), value.get("language")
    if kind_of(tool) != "rawscript" or not isinstance(code, str) or not isinstance(language, str):
        return None
    found = infer(language, code)
    return list(found.schema["properties"]) if isinstance(found, Signature) and not found.has_kwargs else None


def _label(value: Mapping[str, Any], kind: str) -> str:
    if kind != "rawscript":
        return _LABELS.get(kind, kind)
    language = by_name(str(value.get("language")))
    return language.label if language else str(value.get("language"))


def _type(transform: Any) -> str | None:
    if transform is None:
        return None
    return str(transform.get("type") or "static") if isinstance(transform, Mapping) else "static"
