"""Flows and templates: `/api/w/{ws}/flows…`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller

router = APIRouter(prefix="/api/w/{ws}")


@router.get("/flows")
async def listing(caller: Caller, workspace: App) -> Response:
    """Deployed flows and own drafts."""
    return answer(await workspace.flows.listing(caller))


@router.get("/templates")
async def templates(caller: Caller, workspace: App) -> Response:
    """Flows to start from."""
    return answer(await workspace.new_drafts.templates(caller))


@router.get("/lint_rules/{rule}")
async def lint_rule(rule: str, caller: Caller, workspace: App) -> Response:
    """What a rule of the notebook's checks is about, and what to do."""
    return answer(await workspace.rule_texts.get(caller, rule))


@router.get("/flows/get/{path:path}")
async def get(path: str, caller: Caller, workspace: App) -> Response:
    """The latest deployed version, in Windmill's shape."""
    return answer(await workspace.flows.get(caller, path))


@router.get("/flows/schema/{path:path}")
async def schema(path: str, caller: Caller, workspace: App) -> Response:
    """What a run form needs."""
    return answer(await workspace.flows.schema(caller, path))


@router.get("/flows/versions/{path:path}")
async def versions(path: str, caller: Caller, workspace: App) -> Response:
    """All versions of a flow, newest first."""
    return answer(await workspace.flows.versions(caller, path))


@router.get("/flows/comments/{path:path}")
async def comments(path: str, caller: Caller, workspace: App) -> Response:
    """What is said of the steps of a deployed flow."""
    return answer(await workspace.comments.of_flow(caller, path))


@router.post("/flows/edit/{path:path}")
async def edit(path: str, caller: Caller, workspace: App) -> Response:
    """One's draft of a deployed flow; made when there is none."""
    return answer(await workspace.new_drafts.from_deployed(caller, path))


@router.post("/flows/fork/{path:path}")
async def fork(path: str, caller: Caller, workspace: App) -> Response:
    """A draft of a deployed flow under one's own path; the flow stays as it is."""
    return answer(await workspace.new_drafts.fork(caller, path), 201)
