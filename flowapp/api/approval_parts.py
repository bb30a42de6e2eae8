"""What the doors to requests for approval share: reading addresses, forms, and the payload that a link carries."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import Depends, Query, Request

from flowapp.access.errors import NotSignedIn
from flowapp.access.identity import Identity
from flowapp.api.auth import App, identity_of, person_of
from flowapp.api.bodies import parse_json
from flowapp.errors import FlowappError
from flowapp.workspace.approval_requests import Link
from flowapp.workspace.approvals import LONGEST_COMMENT
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.own_links import Own

#: What the page and its links carry of an answer: base64 of JSON.
Carried = Annotated[str, Query(max_length=64_000)]
Approver = Annotated[str, Query(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Opener:
    """Who opened an address that a signed link may open too: `visitor` where they are signed in, else `problem` says why not."""

    visitor: Identity | None
    problem: FlowappError | None = None

    def signed_in(self) -> Identity:
        """Who it is, for what a link does not open.

        Raises:
            NotSignedIn, NotFound, BadRequest: they are not.
        """
        if self.visitor is None:
            raise self.problem or NotSignedIn("You are not signed in.", "Sign in again; your work is saved.")
        return self.visitor


async def _opener(ws: str, request: Request, workspace: App) -> Opener:
    try:
        return Opener(await identity_of(ws, await person_of(request, workspace), workspace))
    except FlowappError as error:
        return Opener(None, error)


OpenedBy = Annotated[Opener, Depends(_opener)]


async def _visitor(opener: OpenedBy) -> Identity | None:
    """Who opened a signed link, where they are signed in; a bad token makes a stranger, who has the link all the same."""
    return opener.visitor


Visitor = Annotated[Identity | None, Depends(_visitor)]


def _link(ws: str, job_id: str, resume_id: str, signature: str, approver: Approver = "") -> Link:
    """The link that was opened. What is no number cannot have been signed."""
    return Link(ws, job_id, number_of(resume_id), signature, approver)


Opened = Annotated[Link, Depends(_link)]


def _page_link(
    link: Opened,
    purpose: Annotated[str, Query(alias="for", max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
) -> Link:
    """The link that was opened at the page: one of this server's own says what for and until when."""
    return replace(link, own=Own(purpose, number_of(until))) if purpose or until else link


OpenedPage = Annotated[Link, Depends(_page_link)]


def number_of(text: str) -> int:
    """The resume id of an address; -1, which nobody can sign, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def form_of(body: bytes) -> dict[str, list[str]]:
    """The fields of a form that a browser sent.

    Raises:
        BadRequest: there are too many.
    """
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise BadRequest("The form has too many fields.") from None


def decoded(carried: str) -> Any:
    """The payload of a link (base64 of JSON, plain or for addresses); None for nothing and for what is neither."""
    if not carried:
        return None
    text = carried.strip().replace("-", "+").replace("_", "/").replace(" ", "+")
    try:
        return parse_json(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, BadRequest):
        return None


def encoded(payload: dict[str, Any]) -> str:
    """What a link carries of a payload; "" for an empty one."""
    return base64.b64encode(json.dumps(payload).encode()).decode() if payload else ""


def joined(path: str, query: dict[str, str]) -> str:
    """An address with (more) query."""
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path


def with_comment(payload: Any, comment: Any) -> Any:
    """A comment goes with the answer, unless the form has a field of that name."""
    if not isinstance(comment, str) or not comment.strip():
        return payload
    if payload is None:
        payload = {}
    if not isinstance(payload, dict) or "comment" in payload:
        return payload
    return {**payload, "comment": comment.strip()[:LONGEST_COMMENT]}
