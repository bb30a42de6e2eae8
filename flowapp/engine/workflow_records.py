"""What clients of workflows as code write down of what they want, and what they read of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowapp.engine.checkpoints import id_of_key, is_key
from flowapp.engine.suspend import LONGEST_S, UNNAMED
from flowapp.engine.values import Answer
from flowapp.jsontext import NULL, JsonText, dumps

_TYPESCRIPT = re.compile(r"\bworkflow\s*(?:<[^()]*>)?\s*\(")
_LIKELY = {
    "python3": re.compile(r"^[ \t]*@(?:\w+\.)*workflow\b", re.M),
    **dict.fromkeys(("deno", "bun", "bunnative", "nativets"), _TYPESCRIPT),
}


def is_likely(language: str, code: str) -> bool:
    """Whether a script may be a workflow; whether it is one is found out when it runs."""
    pattern = _LIKELY.get(language)
    return pattern is not None and "workflow" in code and pattern.search(code) is not None


def is_task(wanted: Any) -> bool:
    """Whether a task is described well enough to run."""
    if not isinstance(wanted, Mapping) or not is_key(wanted.get("key")) or not isinstance(wanted.get("args"), Mapping):
        return False
    if not isinstance(wanted.get("name"), str) or not isinstance(wanted.get("script"), str):
        return False
    # they are stored as texts, and not every database takes every text
    given = (wanted.get(name) for name in ("name", "script", "tag", "concurrency_key"))
    return all(each is None or each == "" or is_key(each) for each in given)


def number(given: Any) -> float | None:
    """A number above nothing that an option gives, where it gives one."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < LONGEST_S:
        return None
    return float(given)


def module(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The step that a task is which names a stored script or flow."""
    inputs = {name: {"type": "static", "value": value} for name, value in wanted["args"].items()}
    value: dict[str, Any] = {"type": wanted["dispatch_type"], "path": wanted["script"], "input_transforms": inputs}
    if wanted.get("tag"):
        value["tag_override"] = str(wanted["tag"])
    options = {name: number(wanted.get(name)) for name in ("timeout", "cache_ttl", "priority")}
    return {"id": id_of_key(wanted["key"]), "value": value, **{name: each for name, each in options.items() if each}}


def terms(key: str, record: Mapping[str, Any], *, told: bool) -> dict[str, Any]:
    """What the wait is about, as `suspend` writes it for a step of a flow."""
    form = record.get("form")
    schema = form.get("schema", form) if isinstance(form, Mapping) else None
    switches = ("hide_cancel", "user_auth_required", "continue_on_disapprove_timeout")
    return {
        "step_id": key,
        "summary": "",
        "form": schema if isinstance(schema, Mapping) and schema else None,
        "default_args": {},
        "enums": {},
        "description": record.get("description"),
        "prompt": told,
        "skin": record.get("skin"),
        "groups": [],
        "extras": {},
        **dict.fromkeys(switches, False),
        "self_approval_disabled": record.get("self_approval_disabled") is True,
    }


def decision(answer: Answer) -> JsonText:
    """What the workflow's code gets of an answer."""
    payload = answer.payloads[-1] if answer.payloads else NULL
    approver = answer.approvers[-1] if answer.approvers else answer.by or UNNAMED
    approved = answer.status == "approved"
    return JsonText(f'{{"value":{payload},"approver":{dumps(approver)},"approved":{dumps(approved)}}}')
