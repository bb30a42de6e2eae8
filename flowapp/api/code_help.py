"""Help for people who write code: `/api/w/{ws}/code/{action}`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MOST, object_body, text_of
from flowapp.workspace.errors import BadRequest

router = APIRouter(prefix="/api/w/{ws}/code")


@router.post("/{action}")
async def ask(action: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Complete, hover, signature, check or format: the code is read, never run."""
    body = await object_body(request)
    line, column = (_number(body, name) for name in ("line", "column"))
    language, code = text_of(body, "language"), text_of(body, "code")
    return answer(await workspace.code_help.ask(caller, action, language, code, line=line, column=column))


def _number(body: dict[str, object], name: str) -> int:
    value = body.get(name, 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise BadRequest(f"{name} must be a number from 1 on.")
    return value
