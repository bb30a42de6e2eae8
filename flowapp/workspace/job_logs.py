"""Logs and streams of jobs, and following a job: what is new since the caller last asked.

Offsets are counted in UTF-16 units here, because clients add up JavaScript lengths; the store counts characters.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.store.events import Subscription
from flowapp.store.logs import READ_CHARACTERS, stream_of
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_streams import printing_path
from flowapp.workspace.job_views import JobViews

#: How long an answer without news is held back. Clients ask again at once.
HOLD_S = 0.4
GATHER_S = 0.1
FOLLOW_S = 60.0
MOST_OF_A_LOG = 1 << 20
_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a caller has: UTF-16 units of the log and of the stream, and whether it wants more of the log.

    `source` is which step's and attempt's stream that was, where it is known.
    """

    log: int = 0
    stream: int = 0
    logs: bool = True
    source: str = ""


class JobLogs:
    """Use-cases about logs and updates. `stop` ends what is being followed: the server stops."""

    def __init__(self, store: Store, places: JobPlaces, views: JobViews) -> None:
        self._store = store
        self._places = places
        self._views = views
        self._offsets: OrderedDict[tuple[str, str, int], tuple[int, int]] = OrderedDict()
        self._open: set[Subscription] = set()
        self._stopped = False

    def stop(self) -> None:
        """End all that follow jobs."""
        self._stopped = True
        for subscription in tuple(self._open):
            subscription.close()

    async def text(self, identity: Identity, job: str) -> AsyncIterator[str]:
        """The whole log of a job, in pieces; of a flow those of its steps. Access is checked before this returns."""
        place = await self._places.find(identity, "run.read", job)
        return self._all_of(place) if place.is_flow and not place.is_run else self._pieces(place)

    async def all_text(self, identity: Identity, job: str) -> AsyncIterator[str]:
        """The logs of all steps of a flow, each under a line that names it."""
        return self._all_of(await self._places.find(identity, "run.read", job))

    async def tail(self, place: Place) -> str:
        """The log of a job whose run the caller may read; the end of it where it is longer than a megabyte."""
        if printing_path(place) is None:
            return ""
        text, size = await self._store.logs.tail(place.run.id, printing_path(place) or "", MOST_OF_A_LOG)
        return text if size <= len(text) else f"… ({size - len(text)} characters before)\n{text}"

    async def update(self, identity: Identity, job: str, seen: Seen, *, running: bool = False) -> dict[str, Any]:
        """What is new: `{"running", "completed", "new_logs", "log_offset", "flow_status", "progress", "mem_peak"}`.

        `running` is what the caller believes of the job. There is `stream_offset` too, `new_result_stream` where more was
        streamed, and of a flow whose last step streams `flow_stream_job_id`, the id of that step's job. An answer
        without news is held back for 0.4 s.
        """
        return (await self._next(identity, job, seen, running=running))[0]

    async def follow(
        self, identity: Identity, job: str, seen: Seen, *, only_result: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """Updates as they come, the last with the job (or only its result); `timeout` after a minute: ask again.

        Access is checked before this returns.
        """
        place = await self._places.find(identity, "run.read", job)
        return self._updates(identity, place, seen, only_result=only_result)

    async def _updates(
        self, identity: Identity, place: Place, seen: Seen, *, only_result: bool
    ) -> AsyncIterator[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        until = loop.time() + FOLLOW_S
        found, seen = await self._news(place, seen)
        while not self._stopped:
            if found["completed"]:
                now = await self._places.find(identity, "run.read", place.id)
                if only_result:
                    text = await self._views.result(now, await self._views.state(now))
                    yield {"type": "update", **found, "only_result": loads(text)}
                else:
                    yield {"type": "update", **found, "job": await self._views.full(now)}
                return
            yield {"type": "update", **found}
            if loop.time() > until:
                yield {"type": "timeout"}
                return
            found, seen = await self._next(identity, place.id, seen, running=bool(found["running"]))

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _next(self, identity: Identity, job: str, seen: Seen, *, running: bool) -> tuple[dict[str, Any], Seen]:
        """What is new, after a moment where that is nothing."""
        place = await self._places.find(identity, "run.read", job)
        found, after = await self._news(place, seen)
        if _is_news(found, running=running) or self._stopped:
            return found, after
        subscription = self._store.events.subscribe([f"run:{place.run.id}"])
        self._open.add(subscription)
        try:
            await asyncio.wait_for(anext(subscription), HOLD_S - GATHER_S)
        except (TimeoutError, StopAsyncIteration):
            pass
        finally:
            self._close(subscription)
        await asyncio.sleep(GATHER_S)
        return await self._news(await self._places.find(identity, "run.read", job), seen)

    async def _news(self, place: Place, seen: Seen) -> tuple[dict[str, Any], Seen]:
        """What is new, and what the caller has then."""
        state = await self._views.state(place)
        path = printing_path(place) if seen.logs else None
        text, end = ("", seen.log) if path is None else await self._after(place.run.id, path, seen.log)
        source = await self._views.stream_path(place)
        stream, after = await self._streamed(place, source, replace(seen, log=end))
        # what a job that is over has printed goes out whole before that is said
        over = state.over and max(len(text), len(stream.get("new_result_stream", ""))) < READ_CHARACTERS
        progress = place.run.progress if place.is_run else place.job.progress if place.job is not None else None
        found = {
            "running": state.running,
            "completed": over,
            "new_logs": text or None,
            "log_offset": end,
            "mem_peak": None,
            "progress": progress,
            "flow_status": await self._views.status_streaming(place, source),
            "stream_offset": after.stream,
            **stream,
        }
        return found, after

    async def _streamed(self, place: Place, path: str | None, seen: Seen) -> tuple[dict[str, Any], Seen]:
        """`{"new_result_stream"?, "flow_stream_job_id"?}` of the step at `path`, and what the caller has then.

        A stream that is shorter than what the caller has is another one: that of the next attempt, from its beginning.
        """
        attempt = 0 if path is None else await self._store.logs.newest(place.run.id, stream_of(path))
        if path is None or attempt == 0:
            return {}, seen
        source = f"{path} {attempt}"
        offset = seen.stream if seen.source in ("", source) else 0
        text, end = await self._after(place.run.id, stream_of(path), offset, attempt)
        if text == "" and end < offset:
            text, end = await self._after(place.run.id, stream_of(path), 0, attempt)
        found: dict[str, Any] = {"new_result_stream": text} if text else {}
        if place.is_flow:
            found["flow_stream_job_id"] = job_id(place.run.id, path)
        return found, replace(seen, stream=end, source=source)

    async def _after(self, run_id: str, path: str, offset: int, attempt: int | None = None) -> tuple[str, int]:
        """The text at a path after `offset` UTF-16 units, and the offset after that.

        It is the newest attempt's. Of an attempt that is named, a text that ends before the offset is empty and tells its end.
        """
        read = partial(self._store.logs.read, run_id, path, attempt=attempt)
        key = (run_id, path, attempt or 0)
        units, characters = self._offsets.get(key, (0, 0))
        if units > offset:
            units, characters = 0, 0
        while units < offset:
            part = (await read(offset=characters)).text
            if not part and attempt is not None:
                return "", units
            if not part:
                break
            if units + units_of(part) <= offset:
                units, characters = units + units_of(part), characters + len(part)
                continue
            taken = _characters(part, offset - units)
            units, characters = units + units_of(part[:taken]), characters + taken
            break
        part = (await read(offset=characters)).text
        end = max(offset, units) + units_of(part)
        self._offsets[key] = units + units_of(part), characters + len(part)
        self._offsets.move_to_end(key)
        if len(self._offsets) > _REMEMBERED:
            self._offsets.popitem(last=False)
        return part, end

    async def _pieces(self, place: Place) -> AsyncIterator[str]:
        path, offset = printing_path(place), 0
        while path is not None:
            part = await self._store.logs.read(place.run.id, path, offset=offset)
            if not part.text:
                return
            yield part.text
            offset = part.next

    async def _all_of(self, place: Place) -> AsyncIterator[str]:
        for job in await self._store.runs.steps(place.run.id):
            if not job.path.startswith(place.prefix or place.path):
                continue
            named = False
            async for piece in self._pieces(Place(place.run, job.path, job)):
                if not named:
                    yield f"--- {job.path} ({job.id}) ---\n"
                    named = True
                yield piece
            if named:
                yield "\n"

    def _close(self, subscription: Subscription) -> None:
        subscription.close()
        self._open.discard(subscription)


def units_of(text: str) -> int:
    """The length of a text in UTF-16 units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _characters(text: str, units: int) -> int:
    """How many characters make up `units` UTF-16 units; a character that is cut by the limit is left out."""
    if text.isascii():
        return units
    count = 0
    for position, character in enumerate(text):
        count += 2 if character > "\uffff" else 1
        if count > units:
            return position
    return len(text)


def _is_news(found: dict[str, Any], *, running: bool) -> bool:
    return bool(found["completed"] or found["new_logs"] or "new_result_stream" in found or found["running"] != running)
