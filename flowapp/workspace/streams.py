"""Event streams for pages: what happens to drafts and runs that the identity may read, as it happens."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.store.events import Event, Subscription
from flowapp.store.tables import RunRow
from flowapp.workspace import flow_news, guard
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.run_views import duration_ms
from flowapp.workspace.runs import may_read

PING_S = 15.0
MAX_TOPICS = 32
#: Changes with each start of the server: a page that sees another one loads anew.
SERVER = uuid.uuid4().hex

_APPROVALS = "approvals:"

Message = dict[str, Any]


class Streams:
    """Open streams. `stop` ends them all, so that a stopping server is not held up by its pages."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts
        self._open: set[Subscription] = set()
        self._stopped = False

    async def open(
        self, identity: Identity, topics: Sequence[str], still_valid: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[Message | None]:
        """A stream of events as JSON, None now and then to keep the connection alive.

        Topics are `draft:<id>`, with which comes what is told of the flow that the draft was made from or is deployed as
        (`flow:<path>`, for who may read it), `run:<id>`, `runs` (all runs of the workspace that the identity may read), `approvals` (that
        something about some request for approval changed: who hears it asks for their own list) and `server` (on
        which nothing happens: for who only wants to know whether the server is there). Each is asked of the policy before
        this returns. The stream ends when the session or the rights it was opened with do
        (`still_valid`, asked every few seconds, however much there is to tell), or when the server stops.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        if not topics or len(topics) > MAX_TOPICS:
            raise BadRequest(f"Ask for 1 to {MAX_TOPICS} topics.", "topics=draft:<id>,run:<id>")
        wanted = [one for topic in dict.fromkeys(topics) for one in await self._checked(identity, topic)]
        return self._messages(identity, wanted, still_valid)

    def stop(self) -> None:
        """End all streams, and refuse new ones."""
        self._stopped = True
        for subscription in tuple(self._open):
            subscription.close()

    async def _checked(self, identity: Identity, topic: str) -> list[str]:
        kind, _, name = topic.partition(":")
        match kind:
            case "draft":
                draft = await self._drafts.open(identity, "draft.read", name)
                about = flow_news.topic_for(identity, draft.row.path, draft.base_version)
                return [topic, about] if about else [topic]
            case "run":
                await guard.run_row(self._store, identity, "run.read", name)
                return [topic]
            case "runs":
                return [f"runs:{identity.workspace}"]
            case "approvals":
                return [f"{_APPROVALS}{identity.workspace}"]
            case "server":
                return ["server"]
            case _:
                raise BadRequest(
                    f"There is no topic {topic[:80]!r}.", "Topics are draft:<id>, run:<id>, runs, approvals and server."
                )

    async def _messages(
        self, identity: Identity, topics: Sequence[str], still_valid: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[Message | None]:
        # not before somebody reads: a page that is gone by then would leave a subscription that nobody closes
        subscription = self._store.events.subscribe(topics)
        self._open.add(subscription)
        checked = time.monotonic()
        try:
            yield {"type": "hello", "server": SERVER}
            while not self._stopped:
                event: Event | None = None
                try:
                    async with asyncio.timeout(PING_S):
                        event = await anext(subscription)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    pass
                if time.monotonic() - checked >= PING_S:
                    if not await still_valid():
                        return
                    checked = time.monotonic()
                if event is None:
                    yield None
                elif event.type == "lost":
                    return  # the page connects anew, and loads anew what it shows
                elif _may_know(identity, event):
                    if event.type == "change":
                        # deployed for the first time, or elsewhere: from now on there is a flow to hear of
                        about = flow_news.topic_for(identity, *_flow_in(event))
                        self._store.events.extend(subscription, [about] if about else [])
                    yield _message(event)
        finally:
            subscription.close()
            self._open.discard(subscription)


def _may_know(identity: Identity, event: Event) -> bool:
    """Topics were checked when the stream was opened; the list of all runs also holds private ones."""
    if not event.topic.startswith("runs:") or "run" not in event.data:
        return True
    run = event.data["run"]
    row = RunRow(
        id=run["id"],
        workspace=run["workspace"],
        number=run["number"],
        kind=run["kind"],
        path=run["path"],
        document="",
        args="",
        status=run["status"],
        created_by=run["created_by"],
        created_at=run["created_at"],
        private=run["private"],
    )
    return may_read(identity, row)


def _flow_in(change: Event) -> tuple[str, int | None]:
    """The path of a draft, and the version of its flow that it holds."""
    draft = change.data["draft"]
    return draft["path"], draft["deployed_version"]


def _message(event: Event) -> Message:
    if event.topic.startswith(_APPROVALS):
        return {"topic": "approvals", "type": "approval"}  # which run it was is for those who may read it
    if event.topic.startswith(flow_news.TOPIC):
        _, _, path = event.topic.removeprefix(flow_news.TOPIC).partition(":")
        return {"topic": f"{flow_news.TOPIC}{path}", "type": event.type, **event.data}
    data = dict(event.data)
    run = data.get("run")
    if event.type == "run" and isinstance(run, dict) and "duration_ms" not in run:
        data["run"] = {**run, "duration_ms": duration_ms(run.get("started_at"), run.get("ended_at"))}
    return {"topic": event.topic, "type": event.type, **data}
