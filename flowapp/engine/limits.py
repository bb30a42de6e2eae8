"""The engine's port for concurrency keys and debouncing, over rows that all servers share (`store/limits.py`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from flowapp.engine.values import Debounce, Limit, Turn
from flowapp.jsontext import JsonText
from flowapp.store import limits
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

Now = Callable[[], datetime]
Wake = Callable[[str], Awaitable[None]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class StoreLimits:
    """Places and turns by rows. `wake` begins the next segment of a run (`Engine.wake`)."""

    def __init__(self, store: Store, wake: Wake, now: Now = _utc_now) -> None:
        self._store = store
        self._wake = wake
        self._now = now

    async def take(self, run: RunRow, job_id: str, limit: Limit, priority: int = 0) -> str | None:
        """See `ports.Limits`."""
        waiter = limits.Waiter(job_id, run.id, priority)
        key = _key(run, limit.key)
        return await self._store.database.write(
            lambda connection: limits.take(connection, key, limit.most, waiter, self._now())
        )

    async def give_back(self, run: RunRow, job_id: str, limit: Limit) -> None:
        """See `ports.Limits`. The runs whose turn has come are woken."""
        key, window = _key(run, limit.key), timedelta(seconds=max(0.0, limit.window_s))

        def work(connection: Connection) -> tuple[str, ...]:
            turn = limits.give_back(connection, key, limit.most, job_id, window, self._now())
            return self._noted(connection, turn)

        await self._tell(await self._store.database.write(work))

    async def debounce(self, run: RunRow, job_id: str, rule: Debounce, brought: JsonText | None) -> Turn:
        """See `ports.Limits`."""
        asked = limits.Rule(
            timedelta(seconds=rule.delay_s),
            None if rule.longest_s is None else timedelta(seconds=rule.longest_s),
            rule.most,
            rule.accumulate,
        )
        waiter, key = limits.Waiter(job_id, run.id), _key(run, rule.key)

        def work(connection: Connection) -> limits.Turn:
            turn = limits.debounce(connection, key, waiter, asked, brought, self._now())
            self._noted(connection, turn.woken)
            return turn

        turn = await self._store.database.write(work)
        await self._tell(turn.woken)
        return Turn(turn.due, turn.instead, turn.args)

    def _noted(self, connection: Connection, runs: tuple[str, ...]) -> tuple[str, ...]:
        """In the same transaction, so that a server's end between it and the waking loses nothing."""
        for run_id in runs:
            self._store.runs.wake(connection, run_id)
        return runs

    async def _tell(self, runs: tuple[str, ...]) -> None:
        for run_id in runs:
            await self._wake(run_id)


def _key(run: RunRow, key: str) -> str:
    """Keys of one workspace never limit another's."""
    return f"{run.workspace}/{key}".replace("$workspace", run.workspace)
