"""Who has a draft open now, in which cell they are, and who is typing there. Nothing of it is stored.

Each page sends a beat every few seconds, and sooner when it has something new for others. A server knows the pages that beat
on it, and hears of those on other servers by events, while any page of its own shows the draft. Who was not heard of for
`GONE_S` is gone.

Of those who type in a cell the one who began first holds it, until another one takes it over. Holding is a word to the pages, which
keep others from typing into each other's text; no edit is refused because of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import Action
from flowapp.store import identities
from flowapp.store.events import Event
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import flag_in, text_in

BEAT_S = 4.0
"""How often a page should say that it is there."""
GONE_S = 10.0
MOST = 100
"""Pages of one draft; more are not shown."""
SWEEP_S = 1.0
_TOPIC = "presence:"
_BEAT, _GONE, _ASK = "beat", "gone", "ask"

#: Whose page it is, and which one: a page names itself, so its name alone says nothing.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Present:
    """A page that shows a draft. `cell` is where its person is ("" for nowhere); `since` is when they began to type there, in
    seconds since 1970, None while they do not. A higher `turn` has taken over from lower ones.
    """

    username: str
    client: str
    name: str
    cell: str = ""
    since: float | None = None
    turn: int = 0

    @property
    def key(self) -> Key:
        """What it is found by."""
        return self.username, self.client


@dataclass(slots=True)
class _Seen:
    page: Present
    at: float
    here: bool


class Presence:
    """Use-cases about who is here."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._context = context
        self._events = context.store.events
        self._database = context.store.database
        self._drafts = drafts
        self._pages: dict[str, dict[Key, _Seen]] = {}
        self._sweeping = False
        self._events.on_remote.append(self._heard)

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
        await self._drafts.open(identity, action, draft_id)
        client, cell = text_in(body, "client", limit=60), text_in(body, "cell", limit=200)
        for name in ("typing", "take", "hello", "leave"):
            flag_in(body, name)
        if not client:
            raise BadRequest("client is missing.", 'Send {"client": "<a name of the page>"}.')
        if body.get("leave") is True:
            self._leave(draft_id, (identity.username, client))
        else:
            page = await self._page(identity, draft_id, client)
            if page is not None:
                at = self._typing(draft_id, replace(page, cell=cell), typing=typing or take, take=take)
                self._here(draft_id, at, tell=body.get("hello") is True)
        return {"me": identity.username, "every": BEAT_S}

    def people(self, draft_id: str) -> list[dict[str, Any]]:
        """The pages that show the draft, as pages are told: `{"user", "name", "client", "cell", "typing", "holds"}`."""
        pages = [seen.page for seen in self._pages.get(draft_id, {}).values()]
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

    # --- pages of this server -----------------------------------------------------------------------------------------

    async def _page(self, identity: Identity, draft_id: str, client: str) -> Present | None:
        """The page as it was known; a new one gets its person's name. None where there are too many."""
        pages = self._pages.get(draft_id, {})
        known = pages.get((identity.username, client))
        if known is not None:
            return known.page
        if len(pages) >= MOST:
            return None
        names = await self._database.read(lambda c: identities.names(c, [identity.username]))
        return Present(identity.username, client, names.get(identity.username, identity.username))

    def _typing(self, draft_id: str, page: Present, *, typing: bool, take: bool) -> Present:
        """The page with what it says about typing. Going on in the same cell keeps the time and the turn."""
        others = self._pages.get(draft_id, {})
        before = others.get(page.key)
        if not typing or not page.cell:
            return replace(page, since=None, turn=0)
        if take:
            turns = [one.page.turn for one in others.values() if one.page.cell == page.cell]
            return replace(page, since=time.time(), turn=max(turns, default=0) + 1)
        if before is not None and before.page.cell == page.cell and before.page.since is not None:
            return page
        return replace(page, since=time.time(), turn=0)

    def _here(self, draft_id: str, page: Present, *, tell: bool) -> None:
        first = not any(seen.here for seen in self._pages.get(draft_id, {}).values())
        if first:
            self._events.follow(f"{_TOPIC}{draft_id}")
            self._say(draft_id, _ASK, {})
        self._put(draft_id, page, here=True, tell=tell)
        self._say(draft_id, _BEAT, _wire(page))
        if not self._sweeping:
            self._sweeping = True
            self._context.spawn(self._sweep(), "seeing who has left a notebook")

    def _leave(self, draft_id: str, key: Key) -> None:
        self._say(draft_id, _GONE, {"username": key[0], "client": key[1]})
        self._drop(draft_id, [key])

    def _say(self, draft_id: str, kind: str, data: dict[str, Any]) -> None:
        self._events.publish(Event(f"{_TOPIC}{draft_id}", kind, data))

    async def _sweep(self) -> None:
        """Drop who was not heard of, as long as there is anybody."""
        while self._pages:
            await asyncio.sleep(SWEEP_S)
            oldest = time.monotonic() - GONE_S
            for draft_id, pages in list(self._pages.items()):
                self._drop(draft_id, [key for key, seen in pages.items() if seen.at < oldest])
        self._sweeping = False

    # --- pages of other servers ---------------------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        if not event.topic.startswith(_TOPIC):
            return
        draft_id, data = event.topic.removeprefix(_TOPIC), event.data
        pages = self._pages.get(draft_id)
        if pages is None:
            return
        if event.type == _ASK:
            for seen in pages.values():
                if seen.here:
                    self._say(draft_id, _BEAT, _wire(seen.page))
        elif event.type == _GONE:
            self._drop(draft_id, [(data["username"], data["client"])])
        elif event.type == _BEAT:
            self._put(draft_id, Present(**data), here=False, tell=False)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _put(self, draft_id: str, page: Present, *, here: bool, tell: bool) -> None:
        pages = self._pages.setdefault(draft_id, {})
        before = pages.get(page.key)
        pages[page.key] = _Seen(page, time.monotonic(), here)
        if tell or before is None or before.page != page:
            self._tell(draft_id)

    def _drop(self, draft_id: str, keys: list[Key]) -> None:
        pages = self._pages.get(draft_id, {})
        gone = [key for key in keys if pages.pop(key, None) is not None]
        if gone:
            self._tell(draft_id)
        if draft_id in self._pages and not any(seen.here for seen in pages.values()):
            # nobody here to tell: what others do is not followed any more
            del self._pages[draft_id]
            self._events.unfollow(f"{_TOPIC}{draft_id}")

    def _tell(self, draft_id: str) -> None:
        self._events.publish_here(Event(f"draft:{draft_id}", "presence", {"people": self.people(draft_id)}))


def _claim(page: Present) -> tuple[int, float, Key]:
    """The last in this order holds the cell: who has taken over, else who began first."""
    return page.turn, -(page.since or 0.0), page.key


def _wire(page: Present) -> dict[str, Any]:
    return {name: getattr(page, name) for name in ("username", "client", "name", "cell", "since", "turn")}
