"""Events between the processes that share a PostgreSQL database (LISTEN/NOTIFY).

Each process says which topics somebody of its own listens to, and is sent the passing events (live log text, steps) of those.
What belongs to a change goes out to everyone in the change's own transaction. A message holds less than 8000 bytes: what is
larger arrives as `lost`, which means "load anew". So does everything that listeners may have missed while the connection was
away. A process never hears itself: it was told when it spoke.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.events import Event, Events
from flowapp.store.sql import Sql

CHANNEL = "flowapp_events"
MAX_BYTES = 7900
LOG_PIECE = 1800
"""Characters of printed text per message: up to 4 bytes each in UTF-8."""
LOG_PER_TOPIC = 32 * 1024
"""Characters of printed text per topic and round; of a step that prints more than that, others see the end."""
TEXTS = frozenset({"log", "stream"})
"""Events with a piece of a text that grows."""
ROUND_S = 0.02
ANNOUNCE_S = 20.0
FORGET_S = 65.0
_NOTIFY = Sql("SELECT pg_notify('flowapp_events', :payload)")


def notify(connection: Connection, payloads: list[str]) -> None:
    """Inside a write: send messages when it commits."""
    for payload in payloads:
        _NOTIFY.run(connection, {"payload": payload})


class Relay:
    """The part of one process. `events` is its hub, `send` does a write that only sends messages."""

    def __init__(
        self,
        events: Events,
        address: sa.URL,
        options: dict[str, Any],
        send: Callable[[list[str]], Awaitable[None]],
    ) -> None:
        self._events = events
        self._address = address
        self._options = options
        self._send = send
        self._me = uuid.uuid4().hex[:12]
        self._numbers = count(1)
        self._outbox: list[Event] = []
        self._control: list[dict[str, Any]] = []
        self._sending: asyncio.Task[None] | None = None
        self._announcing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._listen_forever, name="store-listen", daemon=True)
        self._listening = threading.Event()
        self._stop = threading.Event()
        #: other process → topics it wants, and when it said so last
        self._wanted: dict[str, tuple[set[str], float]] = {}

    async def start(self) -> None:
        """Listen, and say hello to the others."""
        self._loop = asyncio.get_running_loop()
        self._events.relay = self
        self._thread.start()
        await asyncio.to_thread(self._listening.wait, 10.0)
        self._announcing = asyncio.create_task(self._announce_forever())

    async def stop(self) -> None:
        """Say goodbye and stop listening."""
        self._events.relay = None
        if self._announcing is not None:
            self._announcing.cancel()
        if self._sending is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._sending
        if self._wanted:
            await self._send([self._text({"bye": True})])
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    # --- out --------------------------------------------------------------------------------------------------------

    def wanted(self, topic: str) -> bool:
        """Whether a listener of another process waits for events of the topic."""
        return any(topic in topics for topics, _ in self._wanted.values())

    def pass_on(self, event: Event) -> None:
        """Send a passing event to the others, soon, if they want it."""
        if self.wanted(event.topic):
            self._outbox.append(event)
            self._flush_soon()

    def interest(self, topic: str, wanted: bool) -> None:
        """The first listener of a topic came, or the last one went."""
        self._control.append({"+" if wanted else "-": [topic]})
        self._flush_soon()

    def payloads(self, events: Iterable[Event]) -> list[str]:
        """The messages for events."""
        return [self._payload(event) for event in events]

    def _payload(self, event: Event) -> str:
        text = self._text({"t": event.topic, "y": event.type, "d": event.data})
        if len(text) > MAX_BYTES // 4 and len(text.encode()) > MAX_BYTES:
            return self._text({"t": event.topic, "y": "lost", "d": {}})
        return text

    def _text(self, message: dict[str, Any]) -> str:
        # numbered, since PostgreSQL sends equal messages of one transaction only once
        text = json.dumps({"o": self._me, "n": next(self._numbers), **message}, ensure_ascii=False, default=str)
        # neither of the two can be sent as text
        return text.replace("\\u0000", "\u2400").encode("utf-8", "replace").decode()

    def _flush_soon(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        while self._outbox or self._control:
            control, self._control = self._control, []
            outbox, self._outbox = self._outbox, []
            messages = [self._text(message) for message in control]
            await self._send(messages + self.payloads(together(outbox)))
            await asyncio.sleep(ROUND_S)

    async def _announce_forever(self) -> None:
        while True:
            self._say_all(hello=False)
            await asyncio.sleep(ANNOUNCE_S)
            oldest = time.monotonic() - FORGET_S
            for name in [name for name, (_, at) in self._wanted.items() if at < oldest]:
                del self._wanted[name]

    def _say_all(self, *, hello: bool) -> None:
        topics = self._events.topics()
        self._control.append({"hello": hello, "all": topics[:40]})
        self._control += [{"+": topics[start : start + 40]} for start in range(40, len(topics), 40)]
        self._flush_soon()

    # --- in ---------------------------------------------------------------------------------------------------------

    def _listen_forever(self) -> None:
        first, wait = True, 0.05
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._address.set(drivername="postgresql").render_as_string(hide_password=False),
                    autocommit=True,
                    **{**self._options, "application_name": "flowapp listener"},
                ) as connection:
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                    wait = 0.05
                    self._call(self._connected, first)
                    first = False
                    self._listening.set()
                    self._receive(connection)
            except psycopg.Error:
                # whoever writes hears of a server that is away; here it is only waited for
                self._stop.wait(wait)
                wait = min(wait * 2, 2.0)

    def _receive(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            for message in connection.notifies(timeout=0.5):
                self._call(self._arrived, message.payload)

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(function, *args)

    def _connected(self, first: bool) -> None:
        if not first:
            self._events.lost_all()
        self._say_all(hello=True)

    def _arrived(self, payload: str) -> None:
        if self._stop.is_set():
            return
        message = json.loads(payload)
        origin = message["o"]
        if origin == self._me:
            return
        if "t" in message:
            self._events.arrive(Event(message["t"], message["y"], message["d"]))
            return
        if "bye" in message:
            self._wanted.pop(origin, None)
            return
        topics = set() if "all" in message else self._wanted.get(origin, (set(), 0.0))[0]
        topics |= {*message.get("all", ()), *message.get("+", ())}
        topics -= set(message.get("-", ()))
        self._wanted[origin] = topics, time.monotonic()
        if message.get("hello"):
            self._say_all(hello=False)


def together(events: list[Event]) -> list[Event]:
    """Printed texts that follow each other as one event, cut into pieces that fit into a message; the rest as it is."""
    joined: list[Event] = []
    room: dict[str, int] = {}
    for event in reversed(events):
        if event.type not in TEXTS or not isinstance(event.data.get("text"), str):
            joined.append(event)
            continue
        left = room.setdefault(event.topic, LOG_PER_TOPIC)
        text, offset = event.data["text"], int(event.data.get("offset", 0))
        if left <= 0:
            continue
        if len(text) > left:
            offset, text = offset + len(text) - left, text[-left:]
        room[event.topic] = left - len(text)
        joined.append(Event(event.topic, event.type, {**event.data, "text": text, "offset": offset}))
    joined.reverse()
    return [piece for event in _merged(joined) for piece in _cut(event)]


def _merged(events: list[Event]) -> list[Event]:
    found: list[Event] = []
    last: dict[tuple[str, str, Any], int] = {}
    for event in events:
        if event.type not in TEXTS:
            last = {key: index for key, index in last.items() if key[0] != event.topic}
            found.append(event)
            continue
        key = event.topic, event.type, event.data.get("path")
        index = last.get(key)
        before = found[index].data if index is not None else None
        if index is not None and before is not None and before["offset"] + len(before["text"]) == event.data["offset"]:
            found[index] = Event(event.topic, event.type, {**before, "text": before["text"] + event.data["text"]})
        else:
            last[key] = len(found)
            found.append(event)
    return found


def _cut(event: Event) -> list[Event]:
    text = event.data.get("text")
    if event.type not in TEXTS or not isinstance(text, str) or len(text) <= LOG_PIECE:
        return [event]
    offset = event.data["offset"]
    return [
        Event(event.topic, event.type, {**event.data, "text": text[at : at + LOG_PIECE], "offset": offset + at})
        for at in range(0, len(text), LOG_PIECE)
    ]
