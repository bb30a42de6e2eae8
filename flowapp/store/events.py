"""What happened, told to everyone who asked for it, in this process and in the others on the same PostgreSQL database.

An event that belongs to a change of the database is handed to `after_commit` inside the write, and goes out when (and only
when) that write is durable. Live log text has no row of its own at that moment and goes out through `publish`. What every
process works out for itself (the cells of a draft as its own pages were shown them) stays here: `publish_here`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Event:
    """`topic` is what is subscribed to (`draft:<id>`, `run:<id>`), `type` what happened, `data` plain JSON."""

    topic: str
    type: str
    data: dict[str, Any] = field(default_factory=dict)


class Subscription(AsyncIterator[Event]):
    """Events of some topics from the moment of subscribing on; ends when closed.

    A reader that falls behind by `MAX_WAITING` events gets one event of type `lost` in place of the rest and should load
    its page anew.
    """

    def __init__(self, events: Events, topics: frozenset[str]) -> None:
        self._events = events
        self.topics = topics
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._lost = False
        self.closed = False

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        if self.closed and self._queue.empty():
            raise StopAsyncIteration
        event = await self._queue.get()
        if event is None:
            raise StopAsyncIteration
        if event.type == "lost":
            self._lost = False
        return event

    def offer(self, event: Event) -> None:
        """Queue an event for the reader."""
        if self._lost or self.closed:
            return
        if self._queue.qsize() >= MAX_WAITING:
            self._lost = True
            while not self._queue.empty():
                self._queue.get_nowait()
            event = Event(event.topic, "lost")
        self._queue.put_nowait(event)

    def close(self) -> None:
        """Stop listening; the reader's loop ends after what is already queued."""
        if not self.closed:
            self.closed = True
            self._events.forget(self)
            self._queue.put_nowait(None)


class RelayPort(Protocol):
    """The way to the other processes (see `relay.py`)."""

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens there."""

    def pass_on(self, event: Event) -> None:
        """Tell those who listen there, soon."""

    def interest(self, topic: str, wanted: bool) -> None:
        """The first listener here came, or the last one went."""


class Events:
    """The hub of one server process. `publish` belongs to the event loop's thread, `after_commit` to a write."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = defaultdict(set)
        self._pending = threading.local()
        self._followed: set[str] = set()
        self.relay: RelayPort | None = None
        #: called with each event that another process sent, after listeners got it
        self.on_remote: list[Callable[[Event], None]] = []
        #: called when events of other processes may have been missed
        self.on_gap: list[Callable[[], None]] = []

    def subscribe(self, topics: Iterable[str]) -> Subscription:
        """Listen to topics; nothing published in this process after this call is missed."""
        subscription = Subscription(self, frozenset())
        self.extend(subscription, topics)
        return subscription

    def extend(self, subscription: Subscription, topics: Iterable[str]) -> None:
        """Let an open subscription listen to further topics, from now on."""
        for topic in frozenset(topics) - subscription.topics:
            if topic not in self._subscriptions and self.relay is not None:
                self.relay.interest(topic, True)
            self._subscriptions[topic].add(subscription)
            subscription.topics |= {topic}

    def forget(self, subscription: Subscription) -> None:
        """Take a subscription off all its topics."""
        for topic in subscription.topics:
            waiting = self._subscriptions.get(topic)
            if waiting is not None:
                waiting.discard(subscription)
                if not waiting:
                    del self._subscriptions[topic]
                    if self.relay is not None and topic not in self._followed:
                        self.relay.interest(topic, False)

    def topics(self) -> list[str]:
        """What is listened to in this process."""
        return [*self._subscriptions, *(self._followed - self._subscriptions.keys())]

    def follow(self, topic: str) -> None:
        """Have other processes send what passes on the topic to `on_remote`, though nobody here is subscribed."""
        if topic not in self._followed:
            self._followed.add(topic)
            if self.relay is not None:
                self.relay.interest(topic, True)

    def unfollow(self, topic: str) -> None:
        """End `follow`."""
        if topic in self._followed:
            self._followed.discard(topic)
            if self.relay is not None and topic not in self._subscriptions:
                self.relay.interest(topic, False)

    def wanted(self, topic: str) -> bool:
        """Whether anyone listens, here or elsewhere: costly event data need not be built for nobody."""
        return topic in self._subscriptions or (self.relay is not None and self.relay.wanted(topic))

    def wanted_here(self, topic: str) -> bool:
        """Whether anyone listens in this process."""
        return topic in self._subscriptions

    def publish(self, event: Event) -> None:
        """Hand an event to its listeners now, and to those of other processes soon."""
        self.deliver(event)
        if self.relay is not None:
            self.relay.pass_on(event)

    def publish_here(self, event: Event) -> None:
        """Hand an event to its listeners in this process only."""
        self.deliver(event)

    def deliver(self, event: Event) -> None:
        """Hand an event to the listeners here (the others have it, or are told by somebody else)."""
        for subscription in tuple(self._subscriptions.get(event.topic, ())):
            subscription.offer(event)

    def arrive(self, event: Event) -> None:
        """An event came from another process."""
        self.deliver(event)
        for listener in self.on_remote:
            listener(event)

    def lost_all(self) -> None:
        """The way to the other processes was cut for a while: every listener should load anew."""
        for topic in self.topics():
            self.deliver(Event(topic, "lost"))
        for listener in self.on_gap:
            listener()

    def after_commit(self, event: Event) -> None:
        """Inside a write: publish this event everywhere once the write is durable; dropped if the write fails.

        Raises:
            RuntimeError: called outside a write.
        """
        pending: list[Event] | None = getattr(self._pending, "events", None)
        if pending is None:
            raise RuntimeError("after_commit belongs inside Database.write")
        pending.append(event)

    def collect(self) -> list[Event]:
        """Start collecting for one write (called by the writing thread)."""
        self._pending.events = []
        collected: list[Event] = self._pending.events
        return collected

    def collected(self) -> None:
        """The write is over, and this thread does other things too."""
        self._pending.events = None

    def close_all(self) -> None:
        """End every stream, so that a stopping server is not held open by its listeners."""
        for subscription in {s for waiting in self._subscriptions.values() for s in waiting}:
            subscription.close()
