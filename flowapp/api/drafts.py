"""Notebooks: `/api/w/{ws}/drafts/…`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MAX_JSON, MAX_UPLOAD, MOST, index_of, json_body, object_body, read_body, text_of
from flowapp.api.downloads import attachment
from flowapp.api.jobs_u import stream
from flowapp.api.leaving import while_connected
from flowapp.workspace.connect_asks import Where
from flowapp.workspace.errors import BadRequest

router = APIRouter(prefix="/api/w/{ws}/drafts")
Text = Annotated[str, Query(max_length=4000)]
ZIP = ("application/zip", "application/x-zip-compressed")
Number = Annotated[int, Query(ge=-MOST, le=MOST)]


@router.post("")
async def create(request: Request, caller: Caller, workspace: App, path: Text = "", summary: Text = "") -> Response:
    """A new draft: empty, from a template, from OpenFlow JSON (`flow`) or text (`text`); or the body is a zip archive."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in ZIP:
        archive = await read_body(request, MAX_JSON)
        if not archive:
            raise BadRequest("The archive is empty.", "Send the zip archive of a flow's folder as the body.")
        made = await workspace.new_drafts.create(caller, path=path, summary=summary, archive=archive)
        return answer(made, 201)
    body = await object_body(request)
    made = await workspace.new_drafts.create(
        caller,
        path=text_of(body, "path"),
        summary=text_of(body, "summary"),
        template=text_of(body, "template"),
        flow=body.get("flow"),
        text=text_of(body, "text"),
    )
    return answer(made, 201)


@router.delete("/{draft_id}")
async def delete(draft_id: str, caller: Caller, workspace: App) -> Response:
    """Delete a draft."""
    await workspace.drafts.delete(caller, draft_id)
    return answer({"deleted": draft_id})


@router.get("/{draft_id}/notebook")
async def notebook(draft_id: str, caller: Caller, workspace: App) -> Response:
    """All that the page shows."""
    return answer(await workspace.drafts.notebook(caller, draft_id))


@router.post("/{draft_id}/operations")
async def operations(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Edit; the answer is the Change."""
    body = await object_body(request)
    return answer(await workspace.drafts.edit(caller, draft_id, body.get("ops"), text_of(body, "client")))


@router.post("/{draft_id}/undo")
async def undo(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Take back the last edit; with `version`, only if it is the one that made this version of the draft."""
    body = await object_body(request)
    version = body.get("version")
    if version is not None and type(version) is not int:
        raise BadRequest("version must be a whole number.")
    return answer(await workspace.drafts.undo(caller, draft_id, text_of(body, "client"), version))


@router.post("/{draft_id}/redo")
async def redo(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Do the edit again that was undone last."""
    body = await object_body(request)
    return answer(await workspace.drafts.redo(caller, draft_id, text_of(body, "client")))


@router.get("/{draft_id}/bin")
async def bin_of(draft_id: str, caller: Caller, workspace: App) -> Response:
    """The cells that were deleted."""
    return answer(await workspace.bin.listing(caller, draft_id))


@router.post("/{draft_id}/bin")
async def put_back(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Put a deleted cell back; the answer is the Change."""
    body = await object_body(request)
    return answer(await workspace.bin.put_back(caller, draft_id, text_of(body, "cell"), text_of(body, "client")))


@router.post("/{draft_id}/run")
async def run(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Run cells, or one iteration of a loop; states and outputs come by events."""
    body = await object_body(request)
    started = await workspace.runs.run_cells(
        caller,
        draft_id,
        texts_of(body, "cells"),
        mode=text_of(body, "mode") or "auto",
        operations=body.get("ops") or None,
        client=text_of(body, "client"),
        confirmed=texts_of(body, "confirmed"),
        iteration=index_of(body, "iteration"),
    )
    return answer(started)


@router.post("/{draft_id}/cancel")
async def cancel(draft_id: str, caller: Caller, workspace: App) -> Response:
    """Cancel all running cells."""
    return answer({"cancelled": await workspace.runs.cancel_draft(caller, draft_id)})


@router.post("/{draft_id}/forget")
async def forget(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Drop the results of cells: they count as not run, and no equal result is taken for them."""
    body = await object_body(request)
    cells = texts_of(body, "cells")
    return answer(await workspace.forgetting.forget(caller, draft_id, cells, text_of(body, "client")))


@router.get("/{draft_id}/results")
async def results(draft_id: str, caller: Caller, workspace: App, cell: Text) -> Response:
    """The latest results of a cell, to make a stand-in of one."""
    return answer(await workspace.stand_ins.results(caller, draft_id, cell))


@router.post("/{draft_id}/stand_ins")
async def keep_stand_in(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Keep a result of a run as a stand-in of a cell."""
    return answer(await workspace.stand_ins.keep(caller, draft_id, await object_body(request)))


@router.post("/{draft_id}/preview")
async def preview(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """The value of an expression in the place of a cell's field."""
    body = await object_body(request)
    names = ("cell", "field", "expr")
    cell, field, expr = (text_of(body, name) for name in names)
    return answer(await workspace.previews.preview(caller, draft_id, cell, field, expr))


@router.get("/{draft_id}/picker")
async def picker(draft_id: str, caller: Caller, workspace: App, cell: Text, field: Text = "", q: Text = "") -> Response:
    """Sources for a field."""
    return answer(await workspace.picker.groups(caller, draft_id, cell, field, q))


@router.get("/{draft_id}/picker/children")
async def picker_children(
    draft_id: str, caller: Caller, workspace: App, cell: Text, expr: Text, offset: Number = 0, limit: Number = 100
) -> Response:
    """What is inside a source."""
    return answer(await workspace.picker.children(caller, draft_id, cell, expr, offset, limit))


@router.post("/{draft_id}/input/{name}")
async def upload(draft_id: str, name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """The raw body becomes the sample value of a flow input."""
    content = await read_body(request, MAX_UPLOAD)
    change = await workspace.inputs.upload(
        caller,
        draft_id,
        name,
        content,
        media_type=request.headers.get("content-type", "text/plain").split(";")[0].strip(),
        file_name=_file_name(request),
        client=request.headers.get("x-client", ""),
    )
    return answer(change)


@router.get("/{draft_id}/input/{name}/text")
async def input_text(
    draft_id: str, name: str, caller: Caller, workspace: App, offset: Number = 0, limit: Number = 65536
) -> Response:
    """A piece of the sample value's text."""
    return answer(await workspace.inputs.text(caller, draft_id, name, offset, limit))


@router.post("/{draft_id}/infer_schema")
async def infer_schema(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """A schema that a sample fits."""
    body = await json_body(request)
    if not isinstance(body, dict) or "sample" not in body:
        raise BadRequest('Send {"sample": …}.')
    return answer({"schema": await workspace.inputs.infer_schema(caller, draft_id, body["sample"])})


@router.post("/{draft_id}/connect")
async def connect(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Proposals for a field, for the open inputs of a cell, or for those of the whole flow; with `dry` what a model would be sent."""
    body = await object_body(request)
    where = Where(text_of(body, "cell"), text_of(body, "field"), body.get("whole") is True)
    if body.get("dry") is True:
        return answer(await workspace.connect.sent(caller, draft_id, where))
    work = workspace.connect.propose(caller, draft_id, where, use_model=body.get("use_model") is True)
    return answer(await while_connected(request, work))


@router.post("/{draft_id}/assist")
async def assist(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Ask the assistant about the flow, or for changes of it; with `stream` the answer comes as events while it grows."""
    body = await object_body(request)
    question = await workspace.helping.question(
        caller,
        draft_id,
        text_of(body, "instruction"),
        mode=text_of(body, "mode") or "ask",
        cell=text_of(body, "cell") or None,
    )
    if body.get("dry") is True:
        return answer(question.shown())
    if body.get("stream") is True:
        return stream(question.events())
    return answer(await while_connected(request, question.answer()))


@router.get("/{draft_id}/iterations")
async def iterations(
    draft_id: str, caller: Caller, workspace: App, cell: Text, index: Number | None = None
) -> Response:
    """The iterations of a loop cell's last run; with `index`, what the cells in the loop gave in that one."""
    if index is None:
        return answer(await workspace.iterations.listing(caller, draft_id, cell))
    return answer(await workspace.iterations.outputs(caller, draft_id, cell, index))


@router.get("/{draft_id}/state")
async def state(draft_id: str, caller: Caller, workspace: App) -> Response:
    """The draft's user state and its files in ./shared."""
    return answer(await workspace.draft_states.show(caller, draft_id))


@router.post("/{draft_id}/state")
async def put_state(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Set one key of the user state."""
    body = await object_body(request)
    return answer(await workspace.draft_states.put(caller, draft_id, text_of(body, "key"), body.get("value")))


@router.delete("/{draft_id}/state")
async def remove_state(draft_id: str, caller: Caller, workspace: App, key: Text | None = None) -> Response:
    """Forget one key of the user state, or all of it."""
    return answer(await workspace.draft_states.remove(caller, draft_id, key))


@router.delete("/{draft_id}/shared")
async def reset_shared(draft_id: str, caller: Caller, workspace: App) -> Response:
    """Empty ./shared."""
    return answer(await workspace.draft_states.reset_shared(caller, draft_id))


@router.get("/{draft_id}/static")
async def static(draft_id: str, caller: Caller, workspace: App) -> Response:
    """All constants, by cell."""
    return answer(await workspace.static_inputs.list(caller, draft_id))


@router.get("/{draft_id}/named")
async def named(draft_id: str, caller: Caller, workspace: App) -> Response:
    """The variables and resources that the draft names, and those that one may name instead."""
    return answer(await workspace.named.of_draft(caller, draft_id))


@router.post("/{draft_id}/deploy")
async def deploy(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Make the draft the next version of its flow."""
    body = await object_body(request)
    deployed = await workspace.flows.deploy(
        caller,
        draft_id,
        path=text_of(body, "path"),
        message=text_of(body, "message"),
        replace=body.get("replace") is True,
    )
    return answer(deployed)


@router.get("/{draft_id}/merge")
async def merge(draft_id: str, caller: Caller, workspace: App) -> Response:
    """What a newer version of the flow and the draft become together, and what is to be decided."""
    return answer(await workspace.merging.look(caller, draft_id))


@router.post("/{draft_id}/merge")
async def take_in(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Take the newer version into the draft, with a choice for each conflict; the answer is the Change."""
    body = await object_body(request)
    return answer(await workspace.merging.take_in(caller, draft_id, body, text_of(body, "client")))


@router.get("/{draft_id}/export")
async def export(draft_id: str, caller: Caller, workspace: App, format: str = "yaml") -> Response:
    """The OpenFlow document as a file."""
    file = await workspace.flows.export(caller, draft_id, format)
    return Response(file.content, media_type=file.media_type, headers=attachment(file.name))


def texts_of(body: dict[str, Any], name: str) -> list[str]:
    """A list of texts of a body; missing and null are empty.

    Raises:
        BadRequest: it is something else.
    """
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"{name} must be a list of texts.")
    return value


def _file_name(request: Request) -> str:
    """The name in `X-File-Name`, which browsers send percent-encoded."""
    return unquote(request.headers.get("x-file-name", ""))[:200]
