"""Conversations with flows that are chats: `/api/w/{ws}/chats/…`. A message is sent by running the flow with its `memory_id`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller

router = APIRouter(prefix="/api/w/{ws}/chats")


@router.get("/list/{path:path}")
async def listing(path: str, caller: Caller, workspace: App) -> Response:
    """One's own conversations with a flow, the latest first."""
    return answer(await workspace.chats.listing(caller, path))


@router.get("/messages/{path:path}")
async def messages(
    path: str, caller: Caller, workspace: App, conversation: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The messages of one of them, each with its run."""
    return answer(await workspace.chats.messages(caller, path, conversation))
