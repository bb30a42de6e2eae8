"""Locks, and the scripts of clients' folders that they are made with, as Windmill's command line asks for them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import json_body, object_body

router = APIRouter(prefix="/api/w/{ws}")


@router.post("/scripts/raw_temp/store")
async def keep_script(request: Request, caller: Caller, workspace: App) -> Response:
    """Keep code for a day; the answer is its hash."""
    return PlainTextResponse(await workspace.local_scripts.keep(caller, await json_body(request)))


@router.post("/scripts/raw_temp/diff")
async def differing_scripts(request: Request, caller: Caller, workspace: App) -> Response:
    """Which paths are not stored with that code."""
    return answer(await workspace.local_scripts.differing(caller, await object_body(request)))


@router.post("/jobs/run/dependencies")
async def lock(request: Request, caller: Caller, workspace: App) -> Response:
    """Resolve a script's packages, and answer the lock."""
    locked = await workspace.dependencies.script_lock(caller, await object_body(request))
    if locked.problem:
        return PlainTextResponse(locked.problem, 400)
    return answer({"lock": locked.lock or ""})


@router.post("/jobs/run/dependencies_async")
async def lock_job(request: Request, caller: Caller, workspace: App) -> Response:
    """The same as a job."""
    return PlainTextResponse(await workspace.dependencies.script_job(caller, await object_body(request)), 201)


@router.post("/jobs/run/flow_dependencies_async")
async def flow_lock_job(request: Request, caller: Caller, workspace: App) -> Response:
    """The same for all scripts of a flow."""
    return PlainTextResponse(await workspace.dependencies.flow_job(caller, await object_body(request)), 201)
