"""The memo of a run: a step's row is both what pages show and what a restarted run resumes from.

A step costs one write, at its end: arguments, result, the rest of its log, its place in the result store and whatever the
observer adds go into one transaction, which is refused when another segment has taken the run over. Only a step that takes
longer than `SHOW_AFTER_S` gets a row while it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from sqlalchemy.engine import Connection

from flowapp.engine.ports import StepObserver
from flowapp.engine.printing import Printed
from flowapp.engine.scope import error_of
from flowapp.engine.step_rows import COLUMNS, StepRow, info_of, milliseconds
from flowapp.engine.values import LeafOutcome, Recorded, Status, StepInfo
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.store import jobs, limits
from flowapp.store.clock import now
from flowapp.store.errors import StoreError
from flowapp.store.large_values import ValueRef
from flowapp.store.logs import Chunk, is_stream
from flowapp.store.runs import job_id
from flowapp.store.step_writes import StepWrite
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.store.values import Prepared

SHOW_AFTER_S = 0.2


class RunJournal:
    """The steps of one run, as one segment (which owns the run by its token) sees and writes them."""

    def __init__(
        self,
        store: Store,
        run: RunRow,
        owner: str,
        rows: Iterable[JobRow],
        observer: StepObserver | None,
        rights: str,
    ) -> None:
        self.store = store
        self.run = run
        self.owner = owner
        self.observer = observer
        self.rights = rights
        self.open_steps: dict[str, Step] = {}
        self._rows = {row.path: row for row in rows}
        self._left_streams: set[str] | None = None if run.segment > 1 else set()

    @property
    def begun(self) -> bool:
        """Whether anything is recorded of any step."""
        return bool(self._rows)

    @property
    def rows(self) -> Iterable[JobRow]:
        """What is recorded of steps, by this segment or an earlier one."""
        return self._rows.values()

    async def recall(self, path: str) -> Recorded | None:
        """What is recorded of a step, by this segment or an earlier one."""
        row = self._rows.get(path)
        if row is None:
            return None
        meta = loads(row.meta) if row.meta else {}
        finished = row.ended_at is not None
        values = self.store.values
        return Recorded(
            status=row.status,  # type: ignore[arg-type]  # the column holds nothing else
            attempt=row.attempt,
            value=await values.get_held(row.result) if finished and row.result else NULL,
            finished=finished,
            args=await values.get_value(row.args) if not finished and row.args else None,
            ended_at=row.ended_at,
            meta=meta,
        )

    async def below(self, inner: str) -> list[StepInfo]:
        """See `ports.Journal`."""
        rows = await self.store.database.read(lambda c: jobs.level(c, self.run.id, f"{inner}/"))
        self._rows |= {row.path: row for row in rows if row.path not in self.open_steps}
        return [info_of(row) for row in rows]

    def open(self, info: StepInfo, attempt: int, args: JsonText | None) -> Step:
        """A step begins; whoever watches is told."""
        meta = dict(info.meta)
        started = now()
        before = self._rows.get(info.path)
        if before is not None:
            if attempt > 1 and before.meta:
                meta["failed_attempts"] = loads(before.meta).get("failed_attempts", [])
            if before.attempt == attempt and before.started_at is not None and "retry_at" not in (before.meta or ""):
                started = before.started_at  # the run was parked meanwhile
        row = StepRow(
            run_id=self.run.id,
            path=info.path,
            id=job_id(self.run.id, info.path),
            workspace=self.run.workspace,
            step_id=info.step_id,
            kind=info.kind,
            language=info.language,
            status="running",
            attempt=attempt,
            started_at=started,
            meta=dumps(meta) if meta else None,
            tag=info.tag,
        )
        step = Step(self, cast(JobRow, row), args)
        self.open_steps[info.path] = step
        if self.observer is not None:
            self.observer.step_started(self.run, step.row)
        return step

    async def takes_stream(self, path: str) -> bool:
        """Whether an earlier segment may have left a stream of the step at a path; it is the caller's then to deal with."""
        if self._left_streams is None:
            found = set(await self.store.logs.streams(self.run.id))
            self._left_streams = found if self._left_streams is None else self._left_streams
        left = path in self._left_streams
        self._left_streams.discard(path)
        return left

    async def early(self, value: JsonText) -> None:
        """Store what a synchronous caller gets, and tell whoever waits for it; the first one counts."""
        if self.run.early_result is None:
            prepared = await self.store.values.prepare(value)
            self.run.early_result = prepared.hash

            def work(connection: Connection) -> None:
                self.store.values.insert(connection, prepared)
                self.store.runs.note_early(connection, self.run.id, self.owner, prepared.hash)

            await self.store.database.write(work)

    def noted(self, name: str) -> dict[str, Any]:
        """What the meta of steps says under a name, by path."""
        metas = {row.path: loads(row.meta) for row in self._rows.values() if row.meta and f'"{name}"' in row.meta}
        return {path: meta[name] for path, meta in metas.items() if name in meta}

    def recorded(self, row: JobRow) -> None:
        """A step's row is durable."""
        self._rows[row.path] = row

    def keep(self, rows: Iterable[JobRow]) -> None:
        """Steps of an earlier run that this one keeps."""
        self._rows |= {row.path: row for row in rows}

    async def rest(self) -> None:
        """The segment ends and the run goes on later: nothing may be written for its steps until then."""
        steps = tuple(self.open_steps.values())
        self.open_steps.clear()
        for step in steps:
            await step.leave()

    async def cut(self, inner: str, value: JsonText) -> None:
        """See `ports.Journal`. Waits for people and for a place under a limit end too."""
        below = (f"{inner}[", f"{inner}/")
        for step in tuple(self.open_steps.values()):
            if step.row.path.startswith(below):
                await step.close("canceled", value)
        await self._look_around()
        for row in tuple(self._rows.values()):
            if row.ended_at is None and row.path.startswith(below):
                await self._close(row, value)
        jobs = [row.id for row in self._rows.values() if row.path.startswith(below)]

        def work(connection: Connection) -> None:
            self.store.approvals.close(connection, self.run.id, below)
            limits.give_up(connection, self.run.id, jobs)

        await self.store.database.write(work)

    async def cancel_open(self, value: JsonText) -> None:
        """Record every step that is under way as canceled, those that wait since an earlier segment too."""
        for step in tuple(self.open_steps.values()):
            await step.close("canceled", value)
        await self._look_around()
        for row in tuple(self._rows.values()):
            if row.ended_at is None:
                await self._close(row, value)

    async def _look_around(self) -> None:
        """Take in what others have begun for the run meanwhile: an approval whose links a workflow has had made."""
        for row in await self.store.database.read(lambda c: jobs.unfinished(c, self.run.id)):
            self._rows.setdefault(row.path, row)

    async def _close(self, row: JobRow, value: JsonText) -> None:
        await self.open(info_of(row), row.attempt, None).close("canceled", value)


class Step:
    """One attempt at a step, from its begin to its recorded end."""

    def __init__(self, journal: RunJournal, row: JobRow, args: JsonText | None) -> None:
        self._journal = journal
        self.row = row
        self._args = args
        self._loop = asyncio.get_running_loop()
        self._show = self._loop.call_later(SHOW_AFTER_S, self._spawn, self._save_quietly)
        self._printed = Printed(journal.observer, journal.run, row.path, lambda: self._spawn(self._save_printed))
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        # PostgreSQL does writes that nobody waited for in any order: a late "running" must not come after the end, and a
        # stream's late beginning, which deletes what an earlier execution left, not after what follows it
        self._writing = asyncio.Lock()

    # --- while it runs ----------------------------------------------------------------------------------------------

    def log(self, text: str) -> None:
        """Show output at once; keep it in chunks."""
        if text and not self._closed:
            self._printed.log(text)

    def stream(self, text: str, *, first: bool = False) -> None:
        """The same for what it streams as its result; that is stored sooner."""
        if text and not self._closed:
            self._printed.stream(text, first=first)

    async def begins(self) -> None:
        """See `ports.Printing`."""
        journal, row = self._journal, self.row
        with suppress(StoreError):
            if await journal.takes_stream(row.path):
                place = (row.run_id, row.path, row.attempt)
                await journal.store.database.write(lambda c: journal.store.logs.forget_stream(c, *place, journal.owner))

    async def go_on(self) -> None:
        """See `ports.OpenStep`."""
        row = self.row
        before = await self._journal.store.logs.length(row.run_id, row.path, row.attempt)
        self._printed.go_on(before)

    async def save(self) -> None:
        """Record that the step is under way, with its arguments and meta."""
        self._show.cancel()
        await self._write(await self._prepared(None))
        self._journal.recorded(self.row)

    async def retrying(self, value: JsonText, due: str, attempt: int) -> None:
        """Record a failed attempt, and when the next begins."""
        self._stop_timers()
        meta = loads(self.row.meta) if self.row.meta else {}
        failures = [*meta.get("failed_attempts", []), {"attempt": self.row.attempt, "error": loads(error_of(value))}]
        self.row.meta = dumps({**meta, "retry_at": due, "failed_attempts": failures})
        printed = self._printed.take()
        failed, self.row.attempt = self.row.attempt, attempt
        await self._write(await self._prepared(None), printed, log_attempt=failed)
        self._journal.recorded(self.row)
        self._closed = True
        self._journal.open_steps.pop(self.row.path, None)

    async def leave(self) -> None:
        """Keep what is there of the step, and be done with it until the next segment."""
        self._stop_timers()
        self._closed = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store_printed(self._printed.take())

    # --- its end ----------------------------------------------------------------------------------------------------

    async def close(
        self,
        status: Status,
        value: JsonText,
        outcome: LeafOutcome | None = None,
        *,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the end in one transaction, then tell whoever watches.

        Raises:
            OwnershipLost: another segment has the run now; nothing was written.
        """
        self._stop_timers()
        self._closed = True
        row = self.row
        row.status, row.ended_at = status, now()
        row.duration_ms = outcome.duration_ms if outcome is not None else None
        if row.duration_ms is None:
            row.duration_ms = milliseconds(row.started_at, row.ended_at)
        if outcome is not None:
            row.isolation, row.fingerprint, row.reused_from = (
                outcome.isolation,
                outcome.fingerprint,
                outcome.reused_from,
            )
        if notes:
            row.meta = dumps({**(loads(row.meta) if row.meta else {}), **notes})
        prepared = await self._prepared(value)
        await self._write(prepared, self._printed.take(), finished=True)
        journal = self._journal
        journal.recorded(row)
        journal.open_steps.pop(row.path, None)
        if journal.observer is not None:
            at_hand = None if ValueRef.from_text(value) else value
            journal.observer.step_finished(journal.run, row, self._args, at_hand)

    # --- writing ----------------------------------------------------------------------------------------------------

    async def _prepared(self, value: JsonText | None) -> list[Prepared]:
        found: list[Prepared] = []
        if self._args is not None:
            found.append(await self._journal.store.values.prepare(self._args))
            self.row.args = found[-1].hash
        if value is not None:
            found.append(await self._journal.store.values.prepare(value))
            self.row.result = found[-1].hash
        return found

    async def _write(
        self,
        values: list[Prepared],
        printed: Sequence[Chunk] = (),
        *,
        finished: bool = False,
        log_attempt: int | None = None,
    ) -> None:
        journal, row = self._journal, self.row
        columns = {name: getattr(row, name) for name in COLUMNS}
        result = self._result_row() if finished and row.status == "success" and row.fingerprint else None

        def work(connection: Connection) -> None:
            journal.store.values.insert(connection, *values)
            journal.store.runs.put_job(connection, columns, journal.owner)
            self._append(connection, printed, log_attempt or columns["attempt"])
            if result is not None:
                journal.store.results.put(connection, result)
            if finished and journal.observer is not None:
                journal.observer.saving(connection, journal.run, row)

        alone = finished and result is None and self._stands_alone(printed)
        async with self._writing:
            if alone and await journal.store.database.state(StepWrite(columns, journal.owner, values, printed).put):
                return
            await journal.store.database.record(work)

    def _stands_alone(self, printed: Sequence[Chunk]) -> bool:
        """Whether the end of the step can be one statement: nothing else belongs to it."""
        journal = self._journal
        adds = journal.observer is not None and journal.observer.saves(journal.run)
        return journal.store.database.shared and not adds and not any(is_stream(chunk.path) for chunk in printed)

    def _result_row(self) -> dict[str, Any]:
        run, row = self._journal.run, self.row
        return {
            "workspace": run.workspace,
            "rights": self._journal.rights,
            "fingerprint": row.fingerprint,
            "value": row.result,
            "run_id": run.id,
            "run_number": run.number,
            "path": row.path,
            "duration_ms": row.duration_ms,
            "at": row.ended_at,
        }

    async def _save_quietly(self) -> None:
        """The row of a step that takes its time; the end writes it again, so a failure here needs nobody's attention."""
        with suppress(StoreError):
            prepared = await self._prepared(None)
            if not self._closed:
                await self._write(prepared)

    async def _save_printed(self) -> None:
        with suppress(StoreError):
            await self._store_printed(self._printed.take())

    async def _store_printed(self, printed: Sequence[Chunk]) -> None:
        if printed:
            attempt = self.row.attempt
            async with self._writing:
                await self._journal.store.database.write(lambda c: self._append(c, printed, attempt))

    def _append(self, connection: Connection, printed: Sequence[Chunk], attempt: int) -> None:
        journal = self._journal
        for chunk in printed:
            place = (self.row.run_id, chunk.path, attempt, chunk.offset)
            journal.store.logs.append(connection, *place, chunk.text, journal.owner)

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_timers(self) -> None:
        self._show.cancel()
        self._printed.stop()
