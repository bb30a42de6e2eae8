"""Drafts in memory: the parsed document, what its cells last did, and what they are doing now.

SQL is the truth: an entry can be dropped at any time and is read again, except that cells at work are only known here. What
another server saved or ran makes an entry stale: it is read again before its next use (see `shared_drafts.py`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.notebook.document import CellId, Document, StepId
from flowapp.notebook.records import CellRecord, Live
from flowapp.notebook.staleness import CellState
from flowapp.notebook.view import Snapshot
from flowapp.signatures.known import Known
from flowapp.signatures.schema import Schema
from flowapp.store import drafts, scripts
from flowapp.store.events import Event, Events
from flowapp.store.stores import Store
from flowapp.store.tables import DraftOperationRow, DraftRow
from flowapp.workspace.codes import CodeVersions
from flowapp.workspace.expressions_shown import forget_changed

KEPT = 48
SCRIPT = "script"
"""The type of the event on `TOPIC` that says that a stored script has a new version: `{"workspace", "path", "hash"}`."""
TOPIC = "drafts"
"""The events by which servers tell each other what they did to drafts."""


@dataclass(frozen=True, slots=True)
class Typing:
    """The last edit, while it may still grow: somebody typing in one cell is one edit to undo."""

    edit_id: int
    cell: CellId
    by: str
    began: float


@dataclass(slots=True)
class OpenDraft:
    """One draft. Changed only under `lock`, except `records`, `live` and `outputs`, which follow running cells."""

    row: DraftRow
    document: Document
    records: dict[CellId, CellRecord]
    undo: str | None
    redo: str | None
    live: dict[CellId, Live] = field(default_factory=dict)
    #: cell → (run, path) of a run under way: what an abort must not leave behind
    live_runs: dict[CellId, str] = field(default_factory=dict)
    codes: CodeVersions = field(default_factory=CodeVersions)
    outputs: dict[CellId, dict[str, Any]] = field(default_factory=dict)
    outputs_read: bool = False
    evaluated: dict[CellId, dict[str, dict[str, Any]]] = field(default_factory=dict)
    states: dict[CellId, CellState] = field(default_factory=dict)
    #: the shape of a cell's result, with the hash of that result
    shapes: dict[CellId, tuple[str, Schema]] = field(default_factory=dict)
    #: what its problems were found with
    known: Known = field(default_factory=Known)
    shown: Snapshot | None = None
    #: the present versions of the stored scripts that its cells ran, hash by path
    heads: dict[str, str] = field(default_factory=dict)
    #: another server changed what is stored
    stale: bool = False
    #: runs of its cells that other servers execute
    elsewhere: set[str] = field(default_factory=set)
    typing: Typing | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def id(self) -> str:
        """The draft's id."""
        return self.row.id

    @property
    def base_version(self) -> int | None:
        """The newest deployed version of its flow that the draft holds: it was made from it, was deployed as it, or took it in."""
        return self._taken_in()[0] or self.row.deployed_version

    @property
    def changes(self) -> int:
        """How often the draft was edited since that version."""
        version, at = self._taken_in()
        if version is not None:
            return self.row.version - at
        row = self.row
        return row.version - row.deployed_at_version if row.deployed_version is not None else row.version

    @property
    def held_steps(self) -> Mapping[CellId, StepId]:
        """The names of its cells in that version. A draft that was deployed before they were noted is taken to have renamed none."""
        about = self.document.taken_in or {}
        if self._taken_in()[0] is not None and "steps" in about:
            return dict(about["steps"])
        if self.row.deployed_steps is not None:
            return dict(loads(self.row.deployed_steps))
        return {cell: step for step, cell in self.document.cells.items()}

    def _taken_in(self) -> tuple[int | None, int]:
        """The version that was taken in, if none was deployed from this draft since, and the draft's version to count from."""
        about = self.document.taken_in or {}
        version = about.get("version") if about.get("path") == self.row.path else None
        if version is None or version <= (self.row.deployed_version or 0):
            return None, 0
        return version, about.get("since", 0)

    @property
    def topic(self) -> str:
        """The event topic of the draft's pages."""
        return f"draft:{self.row.id}"


class OpenDrafts:
    """The drafts that were used last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: OrderedDict[str, OpenDraft] = OrderedDict()
        self._opening: dict[str, asyncio.Lock] = {}

    def peek(self, draft_id: str) -> OpenDraft | None:
        """The draft if it is in memory."""
        return self._open.get(draft_id)

    def all(self) -> list[OpenDraft]:
        """The drafts in memory."""
        return list(self._open.values())

    async def get(self, draft_id: str) -> OpenDraft | None:
        """The draft; None when there is none or it was deleted.

        Raises:
            DocumentUnusable: what is stored cannot be read.
        """
        found = self._open.get(draft_id)
        if found is not None:
            self._open.move_to_end(draft_id)
            if found.stale:
                async with found.lock:
                    if found.stale and not await self.reload(found):
                        self.forget(draft_id)
                        return None
            return found
        async with self._opening.setdefault(draft_id, asyncio.Lock()):
            found = self._open.get(draft_id) or await self._read(draft_id)
            if found is not None:
                self._open[draft_id] = found
        self._opening.pop(draft_id, None)
        self._drop_unused()
        return found

    def forget(self, draft_id: str) -> None:
        """Drop the draft from memory."""
        self._open.pop(draft_id, None)

    async def reload(self, draft: OpenDraft) -> bool:
        """Under its lock: take over what is stored now (another server saved or ran); False when the draft is gone."""
        draft.stale = False
        fresh = await self._read(draft.id)
        if fresh is None:
            return False
        if fresh.row.version != draft.row.version:
            draft.codes.follow(draft.document, fresh.document)
            forget_changed(draft.evaluated, draft.document, fresh.document)
            draft.document, draft.typing = fresh.document, None
        for cell, record in draft.records.items():
            known = fresh.records.get(cell)
            if known is not None and known.finished_at < record.finished_at:
                fresh.records[cell] = record  # a cell of this server finished while we read
        draft.heads |= fresh.heads
        draft.row, draft.records, draft.undo, draft.redo = fresh.row, fresh.records, fresh.undo, fresh.redo
        for cell in draft.outputs.keys() - draft.records.keys() - draft.live.keys():
            draft.outputs.pop(cell, None)  # forgotten elsewhere
        _take_live(draft, fresh)
        return True

    async def _read(self, draft_id: str) -> OpenDraft | None:
        found = await self._store.database.read(lambda connection: _rows(connection, draft_id))
        if found is None:
            return None
        row, records, undo, redo, at_work = found
        text, row.document = row.document, ""
        document = await asyncio.to_thread(Document.from_json, text)
        read = {cell: CellRecord.from_json(loads(record)) for cell, record in records.items()}
        paths = {path for record in read.values() for path in record.scripts}
        heads = await self._store.database.read(lambda c: scripts.heads_of(c, row.workspace, paths)) if paths else {}
        draft = OpenDraft(
            row=row,
            document=document,
            records=read,
            heads=heads,
            undo=undo.label if undo else None,
            redo=redo.label if redo else None,
        )
        for run_id, plan, statuses in at_work:
            _mark_at_work(draft, run_id, loads(plan).get("run") or [], statuses)
        return draft

    def _drop_unused(self) -> None:
        for draft_id, draft in list(self._open.items())[:-1]:
            if len(self._open) <= KEPT:
                return
            if not draft.live and not draft.lock.locked() and not self._store.events.wanted_here(draft.topic):
                del self._open[draft_id]


def tell_others(events: Events, draft_id: str, what: str = "saved", **more: str) -> None:
    """Inside a write: other servers that have the draft in memory must read it again."""
    events.after_commit(Event(TOPIC, what, {"draft": draft_id, **more}))


def _take_live(draft: OpenDraft, fresh: OpenDraft) -> None:
    """What cells of runs on other servers are doing; those of our own runs are known better here."""
    for cell in [cell for cell, run in draft.live_runs.items() if run in draft.elsewhere]:
        if fresh.live_runs.get(cell) != draft.live_runs[cell]:
            draft.live.pop(cell, None)
            del draft.live_runs[cell]
    draft.elsewhere &= set(fresh.live_runs.values())
    for cell, run in fresh.live_runs.items():
        # a step has a row only after a moment; that it runs was heard before
        if run in draft.elsewhere and draft.live_runs.get(cell) != run:
            draft.live[cell], draft.live_runs[cell] = fresh.live[cell], run


_Rows = tuple[
    DraftRow,
    dict[str, str],
    DraftOperationRow | None,
    DraftOperationRow | None,
    list[tuple[str, str, dict[str, str]]],
]


def _mark_at_work(draft: OpenDraft, run_id: str, steps: list[str], statuses: dict[str, str]) -> None:
    """Cells of a run that an earlier server process began and this one goes on with."""
    for position, step in enumerate(steps, 1):
        entry = draft.document.outline.by_step.get(step)
        if entry is None or statuses.get(step, "running") != "running":
            continue
        draft.live[entry.cell] = (
            Live("running", run_id=run_id, path=step) if step in statuses else Live("queued", position=position)
        )
        draft.live_runs[entry.cell] = run_id


def _rows(connection: Connection, draft_id: str) -> _Rows | None:
    row = drafts.get(connection, draft_id)
    if row is None:
        return None
    return (
        row,
        drafts.records(connection, draft_id),
        drafts.last_edit(connection, draft_id),
        drafts.next_redo(connection, draft_id),
        drafts.cells_at_work(connection, draft_id),
    )
