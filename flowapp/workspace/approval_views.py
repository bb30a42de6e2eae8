"""What a request for approval says, as texts for people: the question, the facts, the values of answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowapp.jsontext import dumps, loads
from flowapp.store.blobs import BlobRef
from flowapp.store.tables import ResumeEventRow
from flowapp.workspace.passwords import covered, is_password, password_fields

if TYPE_CHECKING:
    from flowapp.workspace.approval_requests import Request

LONGEST = 2000
FEW = 4
HIDDEN = "(hidden)"
_OUR_KEY = "comment"


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value as people read it; `block`: it is long and stands on lines of its own."""

    label: str
    text: str
    block: bool = False


def facts_of(value: Any, schema: Mapping[str, Any] | None = None) -> list[Fact]:
    """The entries of an object with the titles of its schema; what the schema calls a password stays hidden."""
    if not isinstance(value, dict):
        return [] if value is None else [_fact("", value)]
    properties = (schema or {}).get("properties")
    places = properties if isinstance(properties, dict) else {}
    said = (schema or {}).get("order")
    order = [name for name in said if isinstance(name, str) and name in value] if isinstance(said, list) else []
    names = [*order, *(name for name in value if name not in order)]
    return [_named(name, value[name], places.get(name)) for name in names]


def title_of(request: Request) -> str:
    """What is asked, in a line."""
    summary = str(request.terms.get("summary") or "").strip()
    if summary:
        return summary
    where = request.run.summary or request.run.path or "this run"
    return f"Approve step {request.step_id} of {where}?" if request.step_id else f"Approve {where}?"


def comment_of(event: ResumeEventRow) -> str:
    """The comment that came with an answer."""
    payload = loads(event.payload)
    text = payload.get(_OUR_KEY) if isinstance(payload, dict) else None
    return text if isinstance(text, str) else ""


def values_of(event: ResumeEventRow, form: Any = None) -> list[Fact]:
    """The other values of an answer, with the titles of the form."""
    payload = loads(event.payload)
    if isinstance(payload, dict):
        schema = form if isinstance(form, dict) else None
        shown = covered(payload, password_fields(schema), HIDDEN)
        return facts_of({name: value for name, value in shown.items() if name != _OUR_KEY}, schema)
    return facts_of(payload)


def approvers_of(request: Request) -> list[dict[str, Any]]:
    """Who has approved, as clients read it."""
    return [
        {"resume_id": event.resume_id, "approver": event.approver or "unknown"}
        for event in request.events
        if event.approved
    ]


def required_of(request: Request) -> int:
    """How many approvals are wanted."""
    if request.wait is not None:
        return request.wait.required
    said = request.terms.get("required")
    return said if isinstance(said, int) and said > 0 else 1


def _named(name: str, value: Any, place: Any) -> Fact:
    label = str((place.get("title") if isinstance(place, dict) else None) or name)
    return Fact(label, HIDDEN) if is_password(place) else _fact(label, value)


def _fact(label: str, value: Any) -> Fact:
    if value is None:
        return Fact(label, "(empty)")
    if isinstance(value, bool):
        return Fact(label, "Yes" if value else "No")
    if isinstance(value, str):
        return _cut(label, value)
    reference = BlobRef.from_json(value)
    if reference is not None:
        return Fact(label, f"{reference.name or 'a long text'}, {max(1, reference.size // 1024)} KB")
    if isinstance(value, (int, float)):
        return Fact(label, dumps(value))
    if isinstance(value, list) and value and all(isinstance(item, (str, int, float)) for item in value):
        return _cut(label, ", ".join(str(item) for item in value))
    return _cut(label, json.dumps(value, ensure_ascii=False, indent=2), block=True)


def _cut(label: str, text: str, *, block: bool = False) -> Fact:
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters in all)"
    return Fact(label, shown, block or "\n" in text or len(text) > 120)
