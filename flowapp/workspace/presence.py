"""Who has a draft open now, in which cell they are, and who is typing there; and who has another draft of the same flow open.

Each page sends a beat every few seconds, and sooner when it has something new for others (see `roll.py`). Nothing is stored.

Of those who type in a cell the one who began first holds it, until another one takes it over. Holding is a word to the pages, which
keep others from typing into each other's text; no edit is refused because of it. Between drafts nothing is held (`team.py`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import Action
from flowapp.store import identities
from flowapp.store.events import Event
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.roll import Key, Present, Roll
from flowapp.workspace.stored import flag_in, text_in
from flowapp.workspace.team import Team

BEAT_S = 4.0
"""How often a page should say that it is there."""


class Presence:
    """Use-cases about who is here."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._events = context.store.events
        self._database = context.store.database
        self._drafts = drafts
        self._roll = Roll(context, "presence:", Present, self._tell)
        self._team = Team(context)

    async def beat(self, identity: Identity, draft_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page says that it is there: `{"client", "cell"?, "typing"?, "take"?, "hello"?, "leave"?}`; who is here comes by events.

        `take`: it takes its cell over from whoever types there. `hello`: its event stream is new, so it is told in any
        case. `leave`: it goes away. The answer says who it is, and after how many seconds to come again.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`.
            BadRequest: a field is wrong.
        """
        typing, take = (body.get(name) is True for name in ("typing", "take"))
        action: Action = "draft.edit" if typing or take else "draft.read"
        draft = await self._drafts.open(identity, action, draft_id)
        client, cell = text_in(body, "client", limit=60), text_in(body, "cell", limit=200)
        for name in ("typing", "take", "hello", "leave"):
            flag_in(body, name)
        if not client:
            raise BadRequest("client is missing.", 'Send {"client": "<a name of the page>"}.')
        if body.get("leave") is True:
            self._roll.leave(draft_id, (identity.username, client))
            self._team.leave(draft, (identity.username, client))
        else:
            page = await self._page(identity, draft_id, client)
            if page is not None:
                at, tell = (
                    self._typing(draft_id, replace(page, cell=cell), typing or take, take),
                    body.get("hello") is True,
                )
                self._roll.here(draft_id, at, tell=tell)
                await self._team.here(identity, draft, at, tell=tell)
        return {"me": identity.username, "every": BEAT_S}

    def people(self, draft_id: str) -> list[dict[str, Any]]:
        """The pages that show the draft, as pages are told: `{"user", "name", "client", "cell", "typing", "holds"}`."""
        pages = self._roll.pages(draft_id)
        holders = {page.cell: page.key for page in sorted(pages, key=_claim) if page.since is not None and page.cell}
        return [
            {
                "user": page.username,
                "name": page.name,
                "client": page.client,
                "cell": page.cell,
                "typing": page.since is not None,
                "holds": page.since is not None and holders.get(page.cell) == page.key,
            }
            for page in sorted(pages, key=lambda page: page.key)
        ]

    async def _page(self, identity: Identity, draft_id: str, client: str) -> Present | None:
        """The page as it was known; a new one gets its person's name. None where there are too many."""
        known = self._roll.get(draft_id, (identity.username, client))
        if known is not None:
            return known
        if self._roll.full(draft_id):
            return None
        names = await self._database.read(lambda c: identities.names(c, [identity.username]))
        return Present(identity.username, client, names.get(identity.username, identity.username))

    def _typing(self, draft_id: str, page: Present, typing: bool, take: bool) -> Present:
        """The page with what it says about typing. Going on in the same cell keeps the time and the turn."""
        before = self._roll.get(draft_id, page.key)
        if not typing or not page.cell:
            return replace(page, since=None, turn=0)
        if take:
            turns = [one.turn for one in self._roll.pages(draft_id) if one.cell == page.cell]
            return replace(page, since=time.time(), turn=max(turns, default=0) + 1)
        if before is not None and before.cell == page.cell and before.since is not None:
            return page
        return replace(page, since=time.time(), turn=0)

    def _tell(self, draft_id: str) -> None:
        self._events.publish_here(Event(f"draft:{draft_id}", "presence", {"people": self.people(draft_id)}))


def _claim(page: Present) -> tuple[int, float, Key]:
    """The last in this order holds the cell: who has taken over, else who began first."""
    return page.turn, -(page.since or 0.0), page.key
