"""Who has a draft of the same flow open: each in a draft that others cannot see, in steps that they all know.

Others learn a person's name, in which step they are, whether they type there, and whether their draft has that step in another
form than the version it comes from; and only others who may read the flow, of people who may. No text or result leaves a draft.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flowapp.access.identity import Identity
from flowapp.store.events import Event
from flowapp.workspace import flow_news
from flowapp.workspace.context import Context
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.roll import Key, Present, Roll
from flowapp.workspace.step_changes import StepChanges


@dataclass(frozen=True, slots=True)
class AtStep(Present):
    """A page that shows some draft of a flow. `cell` is the id of a step; `changed` says that the draft has it in another form."""

    changed: bool = False


class Team:
    """The pages that show drafts of each deployed flow."""

    def __init__(self, context: Context) -> None:
        self._events = context.store.events
        self._changes = StepChanges(context.store)
        self._roll = Roll(context, "team:", AtStep, self._tell)

    async def here(self, identity: Identity, draft: OpenDraft, page: Present, *, tell: bool) -> None:
        """A page shows the draft; `page.cell` is the id of a cell of it."""
        if flow_news.topic_for(identity, draft.row.path, draft.base_version) is None:
            return  # where the page was told of until now, it is forgotten like one that is silent
        place = _place(draft)
        if self._roll.get(place, page.key) is None and self._roll.full(place):
            return
        entry = draft.document.outline.by_cell.get(page.cell)
        step = entry.step_id if entry is not None else ""
        changed = entry is not None and await self._changes.changed(draft, entry)
        since, turn = (page.since, page.turn) if entry is not None else (None, 0)
        at = AtStep(**{**asdict(page), "cell": step, "since": since, "turn": turn}, changed=changed)
        self._roll.here(place, at, tell=tell)

    def leave(self, draft: OpenDraft, key: Key) -> None:
        """The page goes away."""
        self._roll.leave(_place(draft), key)

    def people(self, place: str) -> list[dict[str, Any]]:
        """`{"user", "name", "step", "typing", "changed"}`, once for each person and step."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for page in sorted(self._roll.pages(place), key=lambda page: page.key):
            said = {"typing": page.since is not None, "changed": page.changed}
            before = found.get((page.username, page.cell), {"typing": False, "changed": False})
            more = {name: before[name] or value for name, value in said.items()}
            found[page.username, page.cell] = {"user": page.username, "name": page.name, "step": page.cell, **more}
        return list(found.values())

    def _tell(self, place: str) -> None:
        self._events.publish_here(Event(f"{flow_news.TOPIC}{place}", "team", {"people": self.people(place)}))


def _place(draft: OpenDraft) -> str:
    return flow_news.place(draft.row.workspace, draft.row.path)
