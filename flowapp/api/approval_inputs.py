"""The inputs of the approval page: what stands in them, and the mistakes beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from flowapp.jsontext import dumps
from flowapp.workspace.approval_form import Field
from flowapp.workspace.approval_requests import Request

PREFIX = "f."


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form: as people left it, or as a link brought it. `errors` are by field, "" for the whole."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    comment: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    payload: str = ""
    linked: Any = None
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A field with what stands in it."""

    field: Field
    id: str
    name: str
    values: Sequence[str]
    error: str = ""

    @property
    def text(self) -> str:
        """The text of an input that holds one."""
        return self.values[0] if self.values else ""

    @property
    def type(self) -> str:
        """The kind of `<input>`. Numbers are texts: whatever was typed comes back, also what is no number."""
        return "password" if self.field.kind == "password" else self.field.input_type

    @property
    def mode(self) -> str:
        """Which keyboard a phone offers."""
        return {"number": "decimal", "integer": "numeric"}.get(self.field.kind, "")

    @property
    def described(self) -> str:
        """Ids of what explains the field."""
        return " ".join(
            f"{self.id}-{what}" for what, there in (("error", self.error), ("hint", self.field.hint)) if there
        )


def inputs_of(request: Request, filled: Filled) -> list[Input]:
    """The fields of a request's form, filled in."""
    return [
        Input(
            field=one,
            id=f"field-{position}",
            name=f"{PREFIX}{one.name}",
            values=_standing(one, filled),
            error=filled.errors.get(one.name, ""),
        )
        for position, one in enumerate(request.fields)
    ]


def _standing(one: Field, filled: Filled) -> Sequence[str]:
    """What an input shows: what was typed, what the link brought, or its default."""
    if filled.typed or one.name in filled.values:
        return filled.values.get(one.name, ())
    return shown(one, one.default)


def shown(one: Field, value: Any) -> Sequence[str]:
    """A value as it stands in an input."""
    if value is None:
        return ()
    match one.kind:
        case "boolean":
            return ("true",) if value is True else ()
        case "choice":
            return (dumps(value),)
        case "choices":
            return [dumps(item) for item in value] if isinstance(value, list) else ()
        case "json":
            return (json.dumps(value, ensure_ascii=False, indent=2),)
        case _:
            return (value if isinstance(value, str) else dumps(value),)


def attributes(one: Input) -> Markup:
    """What an input's tag says beside its kind."""
    parts = [Markup(' aria-describedby="{}"').format(one.described)] if one.described else []
    if one.error:
        parts.append(Markup(' aria-invalid="true"'))
    if one.field.required and one.field.kind != "boolean":
        parts.append(Markup(" required"))
    if "maxlength" in one.field.limits:
        parts.append(Markup(' maxlength="{}"').format(one.field.limits["maxlength"]))
    return Markup("").join(parts)
