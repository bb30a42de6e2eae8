"""What the document says of one operation, in few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowapp.api.openapi.schemas import JSON_KINDS, STRING, Schema, object_of

FORM = "application/x-www-form-urlencoded"
#: Kinds of answers that are no JSON: their media types.
MEDIA = {
    "text": ("text/plain",),
    "csv": ("text/csv",),
    "html": ("text/html",),
    "events": ("text/event-stream",),
    "archive": ("application/zip", "application/x-tar"),
    "document": ("application/yaml", "application/json", "application/zip"),
    "file": ("*/*",),
}


@dataclass(frozen=True, slots=True)
class Body:
    """What a request may carry: schemas by media type."""

    content: Mapping[str, Schema]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `answers`: kinds of answers (of `MEDIA` or `JSON_KINDS`) by status. `refusals`: statuses of errors that
    not every address has. `query`: names of parameters, with schemas, that its handler reads by hand. `public`: needs no sign-in.
    `wishes`: a result may say with which status and media type it is answered.
    """

    answers: Mapping[int, tuple[str, ...]]
    body: Body | None = None
    refusals: frozenset[int] = frozenset()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    public: bool = False
    wishes: bool = False


def op(
    kind: str = "object",
    status: int = 200,
    *,
    body: str | Body | None = None,
    also: Iterable[int] = (),
    query: Mapping[str, Schema] | None = None,
    headers: tuple[str, ...] = (),
    public: bool = False,
    wishes: bool = False,
    others: Mapping[int, tuple[str, ...]] | None = None,
) -> Operation:
    """An operation that answers a kind of content; several kinds are separated by `|`.

    `body` in words: the fields of a JSON object, see `schemas.object_of`. `others`: further answers that are no errors.
    """
    taken = Body({"application/json": object_of(body)}) if isinstance(body, str) else body
    answers = {status: tuple(kind.split("|")), **(others or {})}
    return Operation(answers, taken, frozenset(also), query or {}, headers, public, wishes)


def json_body(schema: Schema, *, required: bool = False) -> Body:
    """A body of one JSON value."""
    return Body({"application/json": schema}, required)


def content_of(kinds: Iterable[str]) -> dict[str, Any]:
    """The `content` of an answer."""
    found: dict[str, Any] = {}
    for kind in kinds:
        if kind in MEDIA:
            found |= {media: {"schema": STRING} if kind in ("text", "csv", "html") else {} for media in MEDIA[kind]}
        elif kind not in ("redirect", "nothing"):
            found["application/json"] = {"schema": JSON_KINDS[kind]}
    return found
