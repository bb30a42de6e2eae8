"""Drafts that other servers edit and run too: what they did is read again, and told to the pages that are open here.

Each server works out for its own pages what changed, from what is stored: versions of code are counted per server, and a page
compares only with the server that it is connected to. Reading again costs a few milliseconds and happens only for drafts that
are in memory; the compare-and-swap at each save stays what decides.
"""

from __future__ import annotations

import asyncio
from typing import Any

from flowapp.notebook.records import Live
from flowapp.store.events import Event
from flowapp.store.runs import FINISHED
from flowapp.workspace.cells import CellObserver, step_of
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.open_drafts import SCRIPT, TOPIC, OpenDraft, OpenDrafts

TOGETHER_S = 0.01
"""Steps of a run that end within this time are read in one go."""


class SharedDrafts:
    """Listens to what other servers tell. Does nothing on SQLite, where there are none."""

    def __init__(self, context: Context, open_drafts: OpenDrafts, drafts: Drafts, observer: CellObserver) -> None:
        self._context = context
        self._events = context.store.events
        self._open = open_drafts
        self._drafts = drafts
        self._observer = observer
        #: run on another server → the draft whose cells it runs
        self._runs: dict[str, str] = {}
        self._syncing: set[str] = set()
        self._events.on_remote.append(self._heard)
        self._events.on_gap.append(self._missed)
        drafts.changed.append(self._shown)

    def _heard(self, event: Event) -> None:
        kind, _, name = event.topic.partition(":")
        if event.topic == TOPIC:
            self._draft_changed(event)
        elif kind == "runs" and event.type == "run":
            self._run_changed(event.data["run"])
        elif kind == "run" and name in self._runs:
            self._run_told(name, event)

    def _missed(self) -> None:
        for draft in self._open.all():
            self._read_again(draft)

    def _draft_changed(self, event: Event) -> None:
        if event.type == SCRIPT:
            self._observer.script_stored(*(str(event.data[name]) for name in ("workspace", "path", "hash")))
            return
        draft = self._open.peek(str(event.data.get("draft")))
        if draft is None:
            return
        if event.type == "deleted":
            self._open.forget(draft.id)
            self._events.publish_here(Event(draft.topic, "deleted", {"by": event.data.get("by", "")}))
        else:
            self._read_again(draft)

    def _run_changed(self, run: dict[str, Any]) -> None:
        draft = self._open.peek(run["draft_id"]) if run["draft_id"] and run["kind"] == "cells" else None
        if run["status"] in FINISHED and self._runs.pop(run["id"], None) is not None:
            self._events.unfollow(f"run:{run['id']}")
        if draft is None:
            return
        draft.elsewhere.add(run["id"])
        if run["status"] in FINISHED:
            self._observer.ended_elsewhere(run["id"])
        else:
            self._follow(draft, run["id"])
        data = {"run_id": run["id"], "run_number": run["number"], "status": run["status"], "run": run}
        self._events.publish_here(Event(draft.topic, "run", data))
        self._read_again(draft)

    def _run_told(self, run_id: str, event: Event) -> None:
        draft = self._open.peek(self._runs[run_id])
        if draft is None:
            return
        if event.type in ("log", "stream"):
            entry = draft.document.outline.by_step.get(step_of(event.data["path"]))
            if entry is not None:
                self._events.publish_here(
                    Event(draft.topic, event.type, {"cell": entry.cell, "run_id": run_id, **event.data})
                )
        elif event.type == "progress":
            self._observer.progressed(draft.id, run_id, event.data["path"], event.data["percent"])
        elif event.type == "step":
            self._step(draft, run_id, event.data["step"])
        elif event.type == "lost":
            self._read_again(draft)

    def _step(self, draft: OpenDraft, run_id: str, step: dict[str, Any]) -> None:
        draft.elsewhere.add(run_id)
        entry = draft.document.outline.by_step.get(step_of(step["path"]))
        if step["status"] != "running":
            self._read_again(draft)
        elif entry is not None:
            draft.live[entry.cell] = Live("running", since=step["started_at"] or "", run_id=run_id, path=step["path"])
            draft.live_runs[entry.cell] = run_id
            self._observer.publish_states(draft)

    def _shown(self, draft: OpenDraft) -> None:
        """A page shows the draft: follow what other servers are running of it."""
        if self._context.store.database.shared:
            for run_id in {run for run in draft.live_runs.values() if not self._observer.executes(run)}:
                draft.elsewhere.add(run_id)
                self._follow(draft, run_id)

    def _follow(self, draft: OpenDraft, run_id: str) -> None:
        if run_id not in self._runs and self._events.wanted_here(draft.topic):
            self._runs[run_id] = draft.id
            self._events.follow(f"run:{run_id}")

    def _read_again(self, draft: OpenDraft) -> None:
        draft.stale = True
        if draft.id not in self._syncing and self._events.wanted_here(draft.topic):
            self._syncing.add(draft.id)
            self._context.spawn(self._sync(draft), "reading a draft that another server changed")

    async def _sync(self, draft: OpenDraft) -> None:
        """Read the draft again and tell its pages what is different."""
        try:
            await asyncio.sleep(TOGETHER_S)
        finally:
            self._syncing.discard(draft.id)
        async with draft.lock:
            if draft.stale and not await self._open.reload(draft):
                self._open.forget(draft.id)
                self._events.publish_here(Event(draft.topic, "deleted", {"by": ""}))
                return
            filled = await self._drafts.fill_outputs(draft)
            if draft.shown is not None:
                # by themselves too: where the cell's state was told meanwhile, it is none of those that changed
                for cell, output in filled.items():
                    self._events.publish_here(Event(draft.topic, "output", {"cell": cell, "output": output}))
                await self._drafts.tell(draft, "")
