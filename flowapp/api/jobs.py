"""Starting flows and scripts, waiting for their results where asked: `/api/w/{ws}/jobs/run…`. These are the webhooks too.

Errors are text, because clients print the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.access.identity import Identity
from flowapp.api.auth import App, Caller, Starter
from flowapp.api.bodies import MAX_ARGUMENTS, object_body, text_of
from flowapp.api.job_arguments import given, options
from flowapp.api.job_results import large_answer, result_answer
from flowapp.jsontext import dumps
from flowapp.store.tables import RunRow
from flowapp.workspace.app import Workspace
from flowapp.workspace.errors import BadRequest, WaitedTooLong
from flowapp.workspace.local_scripts import NOTED
from flowapp.workspace.runnables import Kind, Start, Trigger

router = APIRouter(prefix="/api/w/{ws}/jobs")
#: Ids are counted from 1; a database takes no larger ones than this.
Version = Annotated[int, Path(ge=0, le=2**31 - 1)]


# --- asynchronous: the answer is the job's id ---------------------------------------------------------------------------


@router.post("/run/f/{path:path}")
async def run_flow(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Start the latest version of a flow with the body as arguments."""
    return await _started(request, caller, workspace, "flow", path=path)


@router.post("/run/fv/{version}")
async def run_flow_version(version: Version, request: Request, caller: Caller, workspace: App) -> Response:
    """Start one version of a flow, by the version's id."""
    return await _started(request, caller, workspace, "flow", version_id=version)


@router.post("/run/p/{path:path}")
async def run_script(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Start the latest version of a script."""
    return await _started(request, caller, workspace, "script", path=path)


@router.post("/run/h/{hash}")
async def run_script_version(hash: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Start one version of a script, by its hash."""
    return await _started(request, caller, workspace, "script", hash=hash)


@router.post("/run/preview")
async def run_preview(request: Request, caller: Caller, workspace: App) -> Response:
    """Start code that is stored nowhere."""
    run = await workspace.starting.start(caller, await _script_preview(request, caller, workspace))
    return PlainTextResponse(run.id, 201)


@router.post("/run/preview_flow")
async def run_flow_preview(request: Request, caller: Caller, workspace: App) -> Response:
    """Start a flow that is stored nowhere; with `restarted_from`, from a step of an earlier run on."""
    start, again = await _flow_preview(request, caller, workspace)
    run = await _start_preview(caller, workspace, start, again)
    return PlainTextResponse(run.id, 201)


# --- synchronous: the answer is the result ------------------------------------------------------------------------------


@router.api_route("/run_wait_result/f/{path:path}", methods=["GET", "POST"])
async def wait_flow(path: str, request: Request, caller: Starter, workspace: App) -> Response:
    """Run a flow and answer its result, or what its `early_return` gave."""
    return await _waited(request, caller, workspace, "flow", path=path)


@router.api_route("/run_wait_result/fv/{version}", methods=["GET", "POST"])
async def wait_flow_version(version: Version, request: Request, caller: Starter, workspace: App) -> Response:
    """The same for one version of a flow."""
    return await _waited(request, caller, workspace, "flow", version_id=version)


@router.api_route("/run_wait_result/p/{path:path}", methods=["GET", "POST"])
async def wait_script(path: str, request: Request, caller: Starter, workspace: App) -> Response:
    """Run a script and answer its result."""
    return await _waited(request, caller, workspace, "script", path=path)


@router.api_route("/run_wait_result/h/{hash}", methods=["GET", "POST"])
async def wait_script_version(hash: str, request: Request, caller: Starter, workspace: App) -> Response:
    """The same for one version of a script."""
    return await _waited(request, caller, workspace, "script", hash=hash)


@router.post("/run_wait_result/preview")
async def wait_preview(request: Request, caller: Caller, workspace: App) -> Response:
    """Run code that is stored nowhere, and answer its result."""
    return await _result(
        caller, workspace, await workspace.starting.start(caller, await _script_preview(request, caller, workspace))
    )


@router.post("/run_wait_result/preview_flow")
async def wait_flow_preview(request: Request, caller: Caller, workspace: App) -> Response:
    """Run a flow that is stored nowhere, and answer its result."""
    start, again = await _flow_preview(request, caller, workspace)
    return await _result(caller, workspace, await _start_preview(caller, workspace, start, again))


@router.post("/run_inline/preview")
async def run_inline(request: Request, caller: Caller, workspace: App) -> Response:
    """The same as `run_wait_result/preview`, as a job calls it on its own server."""
    return await _result(
        caller, workspace, await workspace.starting.start(caller, await _script_preview(request, caller, workspace))
    )


# --- again --------------------------------------------------------------------------------------------------------------


@router.post("/restart/f/{job_id}")
async def restart(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Run a finished flow again from a step: `{"step_id", "branch_or_iteration_n"?, "nested"?, "flow_version"?, "args"?}`."""
    run = await workspace.restarting.restart(caller, job_id, await object_body(request, MAX_ARGUMENTS))
    return PlainTextResponse(run.id, 201)


@router.post("/restart/f/{job_id}/from/{step_id}")
async def restart_from(job_id: str, step_id: str, caller: Caller, workspace: App) -> Response:
    """The same as older clients ask for it."""
    run = await workspace.restarting.restart(caller, job_id, {"step_id": step_id})
    return PlainTextResponse(run.id, 201)


@router.post("/restart/f/{job_id}/from/{step_id}/{number}")
async def restart_inside(job_id: str, step_id: str, number: int, caller: Caller, workspace: App) -> Response:
    """The same inside of a loop or branchall: the iterations (branches) before `number` are kept."""
    wanted = {"step_id": step_id, "branch_or_iteration_n": number}
    run = await workspace.restarting.restart(caller, job_id, wanted)
    return PlainTextResponse(run.id, 201)


# --- inside -------------------------------------------------------------------------------------------------------------


async def _start(request: Request, kind: Kind, named: Mapping[str, Any]) -> Start:
    found = await given(request)
    return Start(kind, found.args, trigger=found.trigger, **named, **options(request))


async def started_run(
    request: Request, caller: Identity, workspace: Workspace, kind: Kind, named: Mapping[str, Any]
) -> RunRow:
    """The run that a request starts: its body or query are the arguments."""
    return await workspace.starting.start(caller, await _start(request, kind, named))


async def _started(
    request: Request, caller: Identity, workspace: Workspace, kind: Kind, **named: Any
) -> PlainTextResponse:
    return PlainTextResponse((await started_run(request, caller, workspace, kind, named)).id, 201)


async def _waited(request: Request, caller: Identity, workspace: Workspace, kind: Kind, **named: Any) -> Response:
    start = await _start(request, kind, named)
    limit = request.query_params.get("queue_limit", "")
    if limit:
        if not limit.isascii() or not limit.isdigit() or len(limit) > 9:
            raise BadRequest("queue_limit must be a whole number of at most nine digits.")
        await workspace.job_lists.refuse_above(caller, int(limit))
    return await _result(caller, workspace, await workspace.starting.start(caller, start))


async def _start_preview(caller: Identity, workspace: Workspace, start: Start, again: Any) -> RunRow:
    if isinstance(again, dict):
        return await workspace.restarting.started(caller, start, again)
    return await workspace.starting.start(caller, start)


async def _result(caller: Identity, workspace: Workspace, run: RunRow) -> Response:
    seconds = workspace.settings.wait_s
    found = await workspace.jobs.wait(caller, run, seconds)
    if found is None:
        raise WaitedTooLong(
            f"The job {run.id} took longer than {seconds} seconds.", "It goes on: ask for its result by its id."
        )
    text, failed = found
    return await large_answer(workspace, text) or result_answer(text, failed=failed)


async def _script_preview(request: Request, caller: Identity, workspace: Workspace) -> Start:
    body = await object_body(request, MAX_ARGUMENTS)
    if body.get("modules"):
        raise BadRequest("Previews of several files (modules) are not there.", "Put the code into one file.")
    lock = body.get("lock")
    return Start(
        "preview",
        _args(body),
        path=text_of(body, "path"),
        code=text_of(body, "content"),
        language=text_of(body, "language"),
        lock=lock if isinstance(lock, str) else None,
        trigger=await _with_scripts(caller, workspace, body),
        **{**options(request), **({"tag": text_of(body, "tag")} if body.get("tag") else {})},
    )


async def _flow_preview(request: Request, caller: Identity, workspace: Workspace) -> tuple[Start, Any]:
    """What to start, and what it begins again (`restarted_from`)."""
    body = await object_body(request, MAX_ARGUMENTS)
    document = {name: body[name] for name in ("summary", "value", "schema") if body.get(name) is not None}
    start = Start(
        "flowpreview",
        _args(body),
        path=text_of(body, "path"),
        document=dumps(document),
        trigger=await _with_scripts(caller, workspace, body),
        **{**options(request), **({"tag": text_of(body, "tag")} if body.get("tag") else {})},
    )
    return start, body.get("restarted_from")


async def _with_scripts(caller: Identity, workspace: Workspace, body: Mapping[str, Any]) -> Trigger:
    """The trigger of a preview, with the scripts of the caller's folder that it takes along (`temp_script_refs`)."""
    found = await workspace.local_scripts.named(caller, body.get("temp_script_refs"))
    return Trigger("api", more={NOTED: body["temp_script_refs"]} if found else {})


def _args(body: Mapping[str, Any]) -> dict[str, Any]:
    args = body.get("args")
    return dict(args) if isinstance(args, dict) else {}
