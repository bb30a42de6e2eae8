"""What a step gave, as pages look at it: overview, tree, table, file, raw text, log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import quote

from flowapp.access.identity import Identity
from flowapp.jsontext import JsonText, loads
from flowapp.store import drafts
from flowapp.store.logs import stream_of
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import guard
from flowapp.workspace.errors import OutputMissing
from flowapp.workspace.parsed import TINY, Parsed
from flowapp.workspace.rich import File
from flowapp.workspace.table import View
from flowapp.workspace.whole_values import whole, with_parts

LOG_TAIL = 4096
#: Of a step that was tried again an output names so many attempts, and so many characters of why each failed.
MOST_ATTEMPTS = 20
MOST_MESSAGE = 2000
Side = Literal["result", "args", "event"]  # of a run: also what its preprocessor was given
FINISHED = frozenset({"success", "failure", "canceled", "skipped", "reused"})


class Outputs:
    """Use-cases about outputs. A step's `path` is its place in the run (`a`, `loop[3].b`); "" is the run itself."""

    def __init__(self, store: Store, parsed: Parsed) -> None:
        self._store = store
        self._parsed = parsed

    async def view(self, identity: Identity, run_id: str, path: str) -> dict[str, Any]:
        """The OutputView of a step."""
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        if not path:
            return await self.of_run(run)
        return await self.of_job(run, await self._job(run, path))

    async def node(
        self,
        identity: Identity,
        run_id: str,
        path: str,
        *,
        side: Side = "result",
        at: Sequence[str | int] = (),
        offset: int = 0,
        limit: int = 100,
        query: str = "",
    ) -> dict[str, Any]:
        """The TreeNode at a path of the value, with a page of its children; or what matches `query` below it."""
        digest = await self._digest(identity, run_id, path, side)
        request = {"op": "node", "at": list(at), "offset": offset, "limit": limit, "q": query}
        found: dict[str, Any] = await self._parsed.ask(digest, request)
        return found

    async def text(
        self,
        identity: Identity,
        run_id: str,
        path: str,
        at: Sequence[str | int] = (),
        offset: int = 0,
        limit: int = 65536,
    ) -> dict[str, Any]:
        """`{"text", "total"}`: a piece of the text (or JSON text) at a path of the value."""
        digest = await self._digest(identity, run_id, path, "result")
        found: dict[str, Any] = await self._parsed.ask(
            digest, {"op": "text", "at": list(at), "offset": offset, "limit": min(limit, 1 << 20)}
        )
        return found

    async def table(
        self, identity: Identity, run_id: str, path: str, at: Sequence[str | int], view: View
    ) -> dict[str, Any]:
        """A TablePage: filtered, searched and sorted on the server.

        Raises:
            OutputMissing: the value is no table.
        """
        digest = await self._digest(identity, run_id, path, "result")
        found: dict[str, Any] | None = await self._parsed.ask(
            digest, {"op": "table", "at": list(at), "view": _view_json(view)}
        )
        if found is None:
            raise OutputMissing("This value is not a table.", "A table is a list of objects.")
        return found

    async def csv(
        self, identity: Identity, run_id: str, path: str, at: Sequence[str | int], view: View
    ) -> AsyncIterator[bytes]:
        """The rows of a view (all its pages) as CSV, in pieces.

        Raises:
            OutputMissing: the value is no table. Whatever refuses is raised here, not from the pieces.
        """
        digest = await self._digest(identity, run_id, path, "result")
        pieces = self._parsed.stream(digest, {"op": "csv", "at": list(at), "view": _view_json(view)})
        first = await anext(pieces, None)
        if first is None:
            raise OutputMissing("This value is not a table.", "A table is a list of objects.")
        return _chain(first, pieces)

    async def raw(
        self, identity: Identity, run_id: str, path: str, side: Side = "result", at: Sequence[str | int] = ()
    ) -> AsyncIterator[bytes]:
        """The whole JSON text of the value, or of what is at a path in it, in pieces, with the large results that are in it.

        Whatever refuses is raised here.
        """
        digest = await self._digest(identity, run_id, path, side)
        if at:
            pieces = with_parts(self._store, self._parsed.stream(digest, {"op": "value", "at": list(at)}))
            return _chain(await anext(pieces, b""), pieces)
        place = await self._store.values.locate(digest)
        if place.blob is not None and not place.refs:
            return await self._store.blobs.pieces(place.blob)
        return whole(self._store, place.text or await self._store.values.get_value(digest))

    async def file(self, identity: Identity, run_id: str, path: str, at: Sequence[str | int] = ()) -> File:
        """The bytes of a picture or file result.

        Raises:
            OutputMissing: the value holds no file.
        """
        digest = await self._digest(identity, run_id, path, "result")
        pieces = [piece async for piece in self._parsed.stream(digest, {"op": "file", "at": list(at)})]
        if not pieces:
            raise OutputMissing("This value holds no file.")
        about = loads(pieces[0].decode())
        return File(b"".join(pieces[1:]), about["name"], about["media_type"], about["inline"])

    async def logs(
        self, identity: Identity, run_id: str, path: str, offset: int = 0, attempt: int = 0
    ) -> dict[str, Any]:
        """`{"text", "next", "done"}`: the log from a character offset on; ask again from `next` until done.

        `attempt`: whose log of a retried step; 0 is the last one's, and while it goes on that of the last that printed something.
        """
        return await self._printed(identity, run_id, path, path, offset, attempt)

    async def stream(
        self, identity: Identity, run_id: str, path: str, offset: int = 0, attempt: int = 0
    ) -> dict[str, Any]:
        """The same for what the step streamed as its result."""
        return await self._printed(identity, run_id, path, stream_of(path), offset, attempt)

    async def _printed(
        self, identity: Identity, run_id: str, path: str, kept: str, offset: int, attempt: int
    ) -> dict[str, Any]:
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        job = await self._store.runs.step(run.id, path)
        part = await self._store.logs.read(run.id, kept, attempt=attempt or _last(job), offset=max(0, offset))
        over = run.ended_at is not None or (job is not None and (job.ended_at is not None or job.attempt > attempt > 0))
        return {"text": part.text, "next": part.next, "done": over and not part.text}

    async def log_text(self, identity: Identity, run_id: str, path: str, attempt: int = 0) -> AsyncIterator[str]:
        """The whole log, in pieces. Access is checked before this returns."""
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        of = attempt or _last(await self._store.runs.step(run.id, path))

        async def pieces() -> AsyncIterator[str]:
            offset = 0
            while True:
                part = await self._store.logs.read(run.id, path, attempt=of, offset=offset)
                if not part.text:
                    return
                yield part.text
                offset = part.next

        return pieces()

    async def of_job(self, run: RunRow, job: JobRow, text: JsonText | None = None) -> dict[str, Any]:
        """The OutputView of a step whose run the caller may read."""
        tail, size = await self._store.logs.tail(run.id, job.path, LOG_TAIL, _last(job))
        reused = await self._reused_from(job)
        if job.result is None:
            described = _nothing(job)
        else:
            described = await self._describe(run, job.path, job.result, failed=_failed(job), text=text)
        return {**_frame(run, job.path, job.result), **described, **_end(job, described, tail, size, reused)}

    def quick(self, run: RunRow, job: JobRow, text: JsonText | None, tail: str, log_size: int) -> dict[str, Any] | None:
        """The OutputView of a step that has just finished, made at once; None when that takes longer."""
        if job.reused_from is not None or (len(text) > TINY if text is not None else job.result is not None):
            return None
        if job.result is None or text is None:
            described = _nothing(job)
        else:
            request = _describe_request(run, job.path, failed=_failed(job))
            described = {**self._parsed.now(job.result, request, text), "size": len(text)}
        return {**_frame(run, job.path, job.result), **described, **_end(job, described, tail, log_size, None)}

    async def of_cells(self, places: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, Any]]:
        """The OutputViews of many cells by (run id, step path), read in one go; steps that are gone are left out."""
        steps = await self._store.database.read(
            lambda connection: drafts.steps_of(connection, set(places.values()), LOG_TAIL)
        )
        by_place = {(run.id, job.path): (run, job, tail, size) for run, job, tail, size in steps}
        digests = {job.result for _, job, _, _ in steps if job.result is not None and job.reused_from is None}
        located = {digest: await self._store.values.locate(digest) for digest in digests}
        texts = {digest: JsonText(place.text) for digest, place in located.items() if place.text is not None}

        def tiny() -> dict[str, dict[str, Any] | None]:
            return {
                cell: self.quick(*by_place[place][:2], texts.get(by_place[place][1].result or ""), *by_place[place][2:])
                for cell, place in places.items()
                if place in by_place and (by_place[place][1].result is None or by_place[place][1].result in texts)
            }

        found = {cell: output for cell, output in (await asyncio.to_thread(tiny)).items() if output is not None}
        for cell, place in places.items():
            if cell not in found and place in by_place:
                found[cell] = await self.of_job(*by_place[place][:2])
        return found

    async def of_run(self, run: RunRow) -> dict[str, Any]:
        """The OutputView of a run's own result."""
        if run.result is None:
            described = _nothing(None)
        else:
            described = await self._describe(run, "", run.result, failed=run.failed)
        logs = {"lines": 0, "tail": "", "size": 0}
        times = {"finished_at": run.ended_at, "duration_ms": None, "reused_from": None, "status": run.status}
        return {**_frame(run, "", run.result), **described, "logs": logs, **times}

    async def _describe(
        self, run: RunRow, path: str, digest: str, *, failed: bool, text: JsonText | None = None
    ) -> dict[str, Any]:
        request = _describe_request(run, path, failed=failed)
        described: dict[str, Any] = await self._parsed.ask(digest, request, text)
        size = len(text) if text is not None else (await self._store.values.locate(digest)).size
        return {**described, "size": size}

    async def _reused_from(self, job: JobRow) -> dict[str, Any] | None:
        if job.reused_from is None:
            return None
        source = await self._store.runs.get(job.reused_from)
        if source is None:
            return None
        return {"run_number": source.number, "at": source.ended_at or source.created_at}

    async def _job(self, run: RunRow, path: str) -> JobRow:
        job = await self._store.runs.step(run.id, path)
        if job is None:
            raise OutputMissing(f"Run {run.number} has no step {path}.", "It may not have started yet.")
        return job

    async def _digest(self, identity: Identity, run_id: str, path: str, side: Side) -> str:
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        row: JobRow | RunRow = run if not path else await self._job(run, path)
        if side == "event":
            return _event(row)
        digest = row.args if side == "args" else row.result
        if digest is None:
            raise OutputMissing("There is no output yet.", "Wait until the step has finished.")
        return digest


def _last(job: JobRow | None) -> int | None:
    """The last attempt of a step that is over. The row of one that goes on may be that of the attempt before."""
    return None if job is None or job.ended_at is None else job.attempt


def _event(row: JobRow | RunRow) -> str:
    """The digest of the event that a run was started by; only a run has one, and only where it has a preprocessor."""
    digest = loads(row.trigger).get("event") if isinstance(row, RunRow) and row.trigger else None
    if not isinstance(digest, str):
        raise OutputMissing(
            "There is no event.", "A run has one where a webhook started it and the flow has a preprocessor."
        )
    return digest


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _describe_request(run: RunRow, path: str, *, failed: bool) -> dict[str, Any]:
    file_url = f"/api/w/{quote(run.workspace)}/runs/{run.id}/file?path={quote(path)}"
    return {"op": "describe", "file_url": file_url, "failed": failed}


def _frame(run: RunRow, path: str, digest: str | None) -> dict[str, Any]:
    return {"run_id": run.id, "run_number": run.number, "path": path, "hash": digest}


def _failed(job: JobRow) -> bool:
    return job.status in ("failure", "canceled")


def _end(
    job: JobRow, described: Mapping[str, Any], tail: str, log_size: int, reused: dict[str, Any] | None
) -> dict[str, Any]:
    """The part of an OutputView that is about the step and its log."""
    lines = tail.count("\n") + (bool(tail) and not tail.endswith("\n"))
    return {
        "views": [*described["views"], *(["logs"] if tail else [])],
        "logs": {"lines": lines, "tail": tail, "size": log_size},
        "finished_at": job.ended_at,
        "duration_ms": job.duration_ms,
        "reused_from": reused,
        "status": job.status,
        **_tried(job),
    }


def _tried(job: JobRow) -> dict[str, Any]:
    """`{"attempt", "failed_attempts"}` of a step that was tried again: why the latest attempts before the last failed. The page of the
    run has all of it.
    """
    meta = loads(job.meta) if job.meta else {}
    failed = meta.get("failed_attempts") if isinstance(meta, dict) else None
    if job.attempt < 2 or not failed:
        return {}
    return {"attempt": job.attempt, "failed_attempts": [_briefly(one) for one in failed[-MOST_ATTEMPTS:]]}


def _briefly(failed: Mapping[str, Any]) -> dict[str, Any]:
    error = failed.get("error")
    said = error if isinstance(error, dict) else {}
    brief = {key: said[key] for key in ("name", "line") if key in said}
    return {
        "attempt": failed.get("attempt"),
        "error": {**brief, "message": str(said.get("message", ""))[:MOST_MESSAGE]},
    }


def _nothing(job: JobRow | None) -> dict[str, Any]:
    """The described part of an OutputView where there is no value; it says what happened."""
    text = "No result yet"
    if job is not None and job.status in FINISHED:
        text = {"skipped": "Skipped", "canceled": "Canceled before it gave a result"}.get(job.status, "No result")
    empty: Mapping[str, Any] = {"table": None, "rich": None, "error": None, "node": None, "size": 0}
    return {"kind": "none", "type": "null", "title_text": text, "views": [], "default_view": None, **empty}


def _view_json(view: View) -> dict[str, Any]:
    return {**asdict(view), "filters": dict(view.filters)}
