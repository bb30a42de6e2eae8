"""Cells that were asked for while others are at work that they read from: they start when those are over.

They are kept in memory, like everything that cells are doing: a server that stops forgets them, and they are as out of date as
before. Nothing is decided ahead of time: when a run ends, it is looked again at what has no current result.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.notebook.document import CellId
from flowapp.notebook.plan import plan
from flowapp.notebook.records import Live
from flowapp.notebook.staleness import CellState
from flowapp.workspace.context import Context
from flowapp.workspace.open_drafts import OpenDraft


@dataclass(frozen=True, slots=True)
class Later:
    """Cells that somebody wants to run: `busy` are those at work when they were asked for, with their runs, but for a loop of which
    only one iteration runs: it gets no result by that.
    """

    identity: Identity
    cells: tuple[CellId, ...]
    busy: Mapping[CellId, str]
    confirmed: frozenset[CellId]


class FollowUps:
    """Of each draft what is to run later, and the runs that were at work when that was said last."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._later: dict[str, tuple[OpenDraft, Later]] = {}
        self._awaited: dict[str, set[str]] = {}
        self._going: dict[str, Later] = {}  # taken up, and not started yet
        #: starts what can be started of what was put
        self.go_on: Callable[[OpenDraft, Later], Coroutine[Any, Any, None]] | None = None

    def put(self, draft: OpenDraft, later: Later) -> None:
        """Run these cells after what is at work in the draft, and show them as queued until then."""
        if draft.id in self._later:  # who asks again need not agree again
            later = replace(later, confirmed=later.confirmed | self._later[draft.id][1].confirmed)
        for cell in later.cells:
            draft.live.setdefault(cell, Live("queued"))
        self._later[draft.id] = draft, later
        self._awaited[draft.id] = set(draft.live_runs.values())
        # what ended while the draft was being saved is told no more
        if draft.stale or not self._awaited[draft.id]:
            self._take_up(draft.id)

    def drop(self, draft_id: str) -> None:
        """Nothing of the draft is to run later any more."""
        self._going.pop(draft_id, None)
        self._taken(draft_id)

    async def present(self, later: Later) -> Later:
        """The same with the rights that the person has now: the cells before may have run for hours."""
        asked = later.identity
        now = await self._context.sessions.identity_named(asked.username, asked.workspace, asked.job)
        return replace(later, identity=replace(now, scopes=asked.scopes, run=asked.run))

    def is_wanted(self, draft: OpenDraft, later: Later) -> bool:
        """Whether what was taken up is still to start: nobody has canceled it, or asked for something else."""
        return self._going.get(draft.id) is later

    def started(self, draft_id: str, later: Later) -> None:
        """What was taken up has started, or will not."""
        if self._going.get(draft_id) is later:
            del self._going[draft_id]

    def ended(self, run_id: str) -> None:
        """A run is over, on this server or another: what waits for more waits again."""
        for draft_id in [draft_id for draft_id, awaited in self._awaited.items() if run_id in awaited]:
            self._take_up(draft_id)

    def _take_up(self, draft_id: str) -> None:
        taken = self._taken(draft_id)
        if taken is not None and self.go_on is not None:
            self._going[draft_id] = taken[1]
            self._context.spawn(self.go_on(*taken), "running the cells that waited")

    def _taken(self, draft_id: str) -> tuple[OpenDraft, Later] | None:
        """What waits, which waits no more."""
        self._awaited.pop(draft_id, None)
        taken = self._later.pop(draft_id, None)
        if taken is not None:
            draft, later = taken
            for cell in later.cells:
                if cell not in draft.live_runs:
                    draft.live.pop(cell, None)
        return taken


def remaining(draft: OpenDraft, states: Mapping[CellId, CellState], later: Later) -> list[CellId]:
    """What of it is to run now: cells without a current result. Nothing runs again that failed or was canceled meanwhile, or
    reads from such a cell.
    """
    wanted = [
        cell
        for cell in later.cells
        if cell in draft.document.outline.by_cell and states[cell].needs_run and _may_run(draft, cell, later)
    ]
    # a pinned cell runs along with each plan: handing on its value costs nothing
    allowed = {*wanted, *draft.live_runs, *(cell for cell, state in states.items() if state.base == "pinned")}
    return [cell for cell in wanted if set(plan(draft.document, states, [cell], "auto").run) <= allowed]


def _may_run(draft: OpenDraft, cell: CellId, later: Later) -> bool:
    """A cell that was at work has a result of that time, if it was changed meanwhile; else it failed or was canceled."""
    if cell not in later.busy or cell in draft.live_runs:
        return True
    record = draft.records.get(cell)
    return record is not None and record.has_result and record.run_id == later.busy[cell]
