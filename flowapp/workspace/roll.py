"""Who is in a place (a draft, a flow) on all servers: pages that say so every few seconds. Nothing of it is stored.

A server knows the pages that beat on it, and hears of those on other servers by events, as long as any page of its own is in the
place. Who was not heard of for `GONE_S` is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from flowapp.store.events import Event
from flowapp.workspace.context import Context

GONE_S = 10.0
MOST = 100
"""Pages in one place; more are not shown."""
SWEEP_S = 1.0
_BEAT, _GONE, _ASK = "beat", "gone", "ask"

#: Whose page it is, and which one: a page names itself, so its name alone says nothing.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Present:
    """A page that is in a place. `cell` is where its person is ("" for nowhere); `since` is when they began to type there, in
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


P = TypeVar("P", bound=Present)


@dataclass(slots=True)
class _Seen(Generic[P]):
    page: P
    at: float
    here: bool


class Roll(Generic[P]):
    """The pages in all places of one kind. `tell` is called with a place where something about its pages is new."""

    def __init__(self, context: Context, prefix: str, kind: type[P], tell: Callable[[str], None]) -> None:
        self._context = context
        self._events = context.store.events
        self._prefix = prefix
        self._kind = kind
        self._tell = tell
        self._places: dict[str, dict[Key, _Seen[P]]] = {}
        self._sweeping = False
        self._events.on_remote.append(self._heard)

    def pages(self, place: str) -> list[P]:
        """Who is there, as far as is known here."""
        return [seen.page for seen in self._places.get(place, {}).values()]

    def get(self, place: str, key: Key) -> P | None:
        """One page."""
        seen = self._places.get(place, {}).get(key)
        return None if seen is None else seen.page

    def full(self, place: str) -> bool:
        """Whether one more page would not be shown."""
        return len(self._places.get(place, {})) >= MOST

    def here(self, place: str, page: P, *, tell: bool) -> None:
        """A page of this server says where it is; with `tell` everybody here is told even where nothing is new."""
        if not any(seen.here for seen in self._places.get(place, {}).values()):
            self._events.follow(f"{self._prefix}{place}")
            self._say(place, _ASK, {})
        self._put(place, page, here=True, tell=tell)
        self._say(place, _BEAT, asdict(page))
        if not self._sweeping:
            self._sweeping = True
            self._context.spawn(self._sweep(), "seeing who has left a notebook")

    def leave(self, place: str, key: Key) -> None:
        """A page goes away."""
        self._say(place, _GONE, {"username": key[0], "client": key[1]})
        self._drop(place, [key])

    def _say(self, place: str, kind: str, data: dict[str, object]) -> None:
        self._events.publish(Event(f"{self._prefix}{place}", kind, data))

    async def _sweep(self) -> None:
        """Drop who was not heard of, as long as there is anybody."""
        while self._places:
            await asyncio.sleep(SWEEP_S)
            oldest = time.monotonic() - GONE_S
            for place, pages in list(self._places.items()):
                self._drop(place, [key for key, seen in pages.items() if seen.at < oldest])
        self._sweeping = False

    def _heard(self, event: Event) -> None:
        if not event.topic.startswith(self._prefix):
            return
        place, data = event.topic.removeprefix(self._prefix), event.data
        pages = self._places.get(place)
        if pages is None:
            return
        if event.type == _ASK:
            for seen in pages.values():
                if seen.here:
                    self._say(place, _BEAT, asdict(seen.page))
        elif event.type == _GONE:
            self._drop(place, [(data["username"], data["client"])])
        elif event.type == _BEAT:
            self._put(place, self._kind(**data), here=False, tell=False)

    def _put(self, place: str, page: P, *, here: bool, tell: bool) -> None:
        pages = self._places.setdefault(place, {})
        before = pages.get(page.key)
        pages[page.key] = _Seen(page, time.monotonic(), here)
        if tell or before is None or before.page != page:
            self._tell(place)

    def _drop(self, place: str, keys: list[Key]) -> None:
        pages = self._places.get(place, {})
        gone = [key for key in keys if pages.pop(key, None) is not None]
        if gone:
            self._tell(place)
        if place in self._places and not any(seen.here for seen in pages.values()):
            # nobody here to tell: what others do is not followed any more
            del self._places[place]
            self._events.unfollow(f"{self._prefix}{place}")
