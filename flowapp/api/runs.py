"""Runs, their steps and outputs: `/api/w/{ws}/runs…`. Query values that are lists or objects are JSON text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MOST, parse_json
from flowapp.api.downloads import attachment
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.run_query import RunQuery
from flowapp.workspace.table import View

router = APIRouter(prefix="/api/w/{ws}/runs")
Text = Annotated[str, Query(max_length=4000)]
Number = Annotated[int, Query(ge=-MOST, le=MOST)]
Attempt = Annotated[int, Query(ge=0, le=2**31 - 1)]
Side = Literal["result", "args", "event"]


@router.get("")
async def listing(
    caller: Caller,
    workspace: App,
    page: Number = 1,
    per_page: Number = 30,
    path: Text = "",
    status: Text = "",
    created_by: Text = "",
    trigger: Text = "",
    since: Text = "",
    until: Text = "",
    draft: Text = "",
) -> Response:
    """Runs, newest first."""
    wanted = RunQuery(status, path, created_by, trigger, since, until)
    return answer(
        await workspace.runs.listing(caller, wanted=wanted, page=page, per_page=per_page, draft_id=draft or None)
    )


@router.get("/compare")
async def compare(caller: Caller, workspace: App, a: Text, b: Text) -> Response:
    """Two runs step by step, and what is the same in them."""
    return answer(await workspace.comparing.compare(caller, a, b))


@router.post("/{run_id}/open")
async def open_in_notebook(run_id: str, caller: Caller, workspace: App) -> Response:
    """A draft of what ran, with the run's input and results."""
    return answer(await workspace.opened_runs.open(caller, run_id), 201)


@router.get("/{run_id}/code")
async def code(run_id: str, caller: Caller, workspace: App, step: Text) -> Response:
    """The module of a step as it was when the run began."""
    return answer(await workspace.comparing.module(caller, run_id, step))


@router.get("/{run_id}")
async def detail(run_id: str, caller: Caller, workspace: App) -> Response:
    """A run and its steps."""
    return answer(await workspace.runs.detail(caller, run_id))


@router.get("/{run_id}/output")
async def output(run_id: str, caller: Caller, workspace: App, path: Text = "") -> Response:
    """A step's OutputView."""
    return answer(await workspace.outputs.view(caller, run_id, path))


@router.get("/{run_id}/node")
async def node(
    run_id: str,
    caller: Caller,
    workspace: App,
    path: Text = "",
    side: Side = "result",
    at: Text = "",
    offset: Number = 0,
    limit: Number = 100,
    q: Text = "",
) -> Response:
    """A TreeNode of a step's result or arguments."""
    found = await workspace.outputs.node(
        caller, run_id, path, side=side, at=_path(at), offset=offset, limit=limit, query=q
    )
    return answer(found)


@router.get("/{run_id}/text")
async def text(
    run_id: str,
    caller: Caller,
    workspace: App,
    path: Text = "",
    at: Text = "",
    offset: Number = 0,
    limit: Number = 65536,
) -> Response:
    """A piece of a long text in a result."""
    return answer(await workspace.outputs.text(caller, run_id, path, _path(at), offset, limit))


@router.get("/{run_id}/table")
async def table(
    run_id: str,
    caller: Caller,
    workspace: App,
    path: Text = "",
    at: Text = "",
    sort: Text = "",
    q: Text = "",
    filter: Text = "",
    offset: Number = 0,
    limit: Number = 50,
) -> Response:
    """A TablePage: filtered, searched, sorted and cut on the server."""
    view = View(sort=sort, query=q, filters=_filters(filter), offset=offset, limit=limit)
    return answer(await workspace.outputs.table(caller, run_id, path, _path(at), view))


@router.get("/{run_id}/table.csv")
async def table_csv(
    run_id: str,
    caller: Caller,
    workspace: App,
    path: Text = "",
    at: Text = "",
    sort: Text = "",
    q: Text = "",
    filter: Text = "",
) -> Response:
    """All rows of a view as CSV."""
    view = View(sort=sort, query=q, filters=_filters(filter))
    pieces = await workspace.outputs.csv(caller, run_id, path, _path(at), view)
    name = f"{_step(path)}.csv"
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=attachment(name))


@router.get("/{run_id}/raw")
async def raw(
    run_id: str, caller: Caller, workspace: App, path: Text = "", side: Side = "result", at: Text = ""
) -> Response:
    """The whole JSON text of a result (or arguments) as a file."""
    pieces = await workspace.outputs.raw(caller, run_id, path, side, _path(at))
    return StreamingResponse(pieces, media_type="application/json", headers=attachment(f"{_step(path)}.json"))


@router.get("/{run_id}/file")
async def file(run_id: str, caller: Caller, workspace: App, path: Text = "", at: Text = "") -> Response:
    """The picture or file that a result holds."""
    found = await workspace.outputs.file(caller, run_id, path, _path(at))
    return Response(found.content, media_type=found.media_type, headers=attachment(found.name, inline=found.inline))


@router.get("/{run_id}/logs")
async def logs(
    run_id: str,
    caller: Caller,
    workspace: App,
    path: Text = "",
    offset: Number = 0,
    download: bool = False,
    stream: bool = False,
    attempt: Attempt = 0,
) -> Response:
    """A step's log from an offset on, or all of it as a file; with `stream` what it streamed as its result. Of its last attempt."""
    if stream:
        return answer(await workspace.outputs.stream(caller, run_id, path, offset, attempt))
    if download:
        pieces = await workspace.outputs.log_text(caller, run_id, path, attempt)
        headers = attachment(f"{_step(path)}{f'-attempt-{attempt}' if attempt else ''}.log")
        return StreamingResponse(pieces, media_type="text/plain; charset=utf-8", headers=headers)
    return answer(await workspace.outputs.logs(caller, run_id, path, offset, attempt))


def _path(text: str) -> list[str | int]:
    """A JSON path from its JSON text; empty is the value itself.

    Raises:
        BadRequest: not a list of keys and indexes.
    """
    value: Any = parse_json(text.encode()) if text.strip() else []
    if not isinstance(value, list) or not all(type(key) in (str, int) for key in value):
        raise BadRequest("at must be a JSON list of keys and indexes.", 'For example at=["rows",0].')
    return value


def _filters(text: str) -> dict[str, str]:
    value: Any = parse_json(text.encode()) if text.strip() else {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise BadRequest("filter must be a JSON object of texts.", 'For example filter={"city":"Paris"}.')
    return value


def _step(path: str) -> str:
    return path.replace("/", "_") or "result"
