"""Deleting what its time has passed: runs by their workspace's policy, and whatever nothing refers to any more.

Everything goes in small transactions, so that runs under way hardly wait. How a value cannot be removed under the feet of
somebody who is just storing it again, or copying a row that refers to it:

* who stores a value that is there already renews it (`created_at`) when it is older than half an hour (`values.py`);
* whoever deletes rows renews the values that these referred to, in the same transaction;
* a value goes only when it was neither renewed nor referred to for `GRACE_S`, and its age is asked again by the statement that
  deletes it.

So between the last moment at which anybody could have found a reference to it and its removal there is an hour. The same holds
for blobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from flowapp.store import approval_upkeep, identities, leaves, limits, memories, retention_policy, shared_links, wiping
from flowapp.store.blobs import REFERENCE
from flowapp.store.clock import text_of
from flowapp.store.errors import BlobMissing
from flowapp.store.rows import table
from flowapp.store.runs import FINISHED
from flowapp.store.sql import Sql
from flowapp.store.stores import Store
from flowapp.store.tables import (
    DraftCellRow,
    DraftOperationRow,
    DraftRow,
    FlowStateRow,
    FlowVersionRow,
    JobRow,
    LeafRow,
    LogRow,
    ResourceRow,
    ResourceVersionRow,
    ResultRow,
    RunRow,
    ScheduleRow,
    SuspensionRow,
    ValueRow,
)

GRACE_S = 3600.0
BATCH = 100
PAUSE_S = 0.002
_VALUE, _RUN, _JOB = table(ValueRow), table(RunRow), table(JobRow)
_LOG, _RESULT, _STATE = table(LogRow), table(ResultRow), table(FlowStateRow)
_DRAFT, _CELL = table(DraftRow), table(DraftCellRow)
_HASH = re.compile(r"\b[0-9a-f]{32}\b")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_UNUSED = Sql(
    "SELECT hash FROM value WHERE created_at < :before EXCEPT SELECT document FROM run EXCEPT SELECT args FROM run "
    "EXCEPT SELECT result FROM run EXCEPT SELECT early_result FROM run EXCEPT SELECT args FROM job "
    "EXCEPT SELECT result FROM job EXCEPT SELECT value FROM result"
)
#: JSON text that may name values anywhere in it
_NAMING_VALUES: tuple[tuple[type[SQLModel], tuple[str, ...]], ...] = (
    (RunRow, ("plan", "trigger", "restarted_from")),
    (JobRow, ("meta",)),
    (DraftCellRow, ("record",)),
    (LeafRow, ("call", "outcome")),
    (SuspensionRow, ("terms",)),
    (ScheduleRow, ("args", "options")),
)
#: JSON text that may refer to blobs
_NAMING_BLOBS: tuple[tuple[type[SQLModel], tuple[str, ...]], ...] = (
    (DraftRow, ("document",)),
    (DraftOperationRow, ("operations", "inverse")),
    (FlowVersionRow, ("document",)),
    (ResourceRow, ("value",)),
    (ResourceVersionRow, ("value",)),
    (ScheduleRow, ("args",)),
)


@dataclass(frozen=True, slots=True)
class Expired:
    """How much was removed. `wiped` runs (and steps) keep their row; their arguments, results and logs are gone."""

    wiped: int = 0
    runs: int = 0
    results: int = 0
    values: int = 0
    blobs: int = 0


async def expire(store: Store, at: datetime | None = None) -> Expired:
    """Remove everything whose time has passed at the moment `at` (aware; now if not given). May be run by several servers."""
    moment = at or datetime.now(UTC)
    counts = Expired(wiped=await wiping.wipe_due(store, moment))
    kept = await store.database.read(_shown_in_drafts)
    for workspace, days in await store.database.read(retention_policy.of_all):
        if days:
            before = text_of(moment - timedelta(days=days))
            runs = await _delete_runs(store, workspace, before, kept)
            results = await _delete_results(store, workspace, before)
            counts = replace(counts, runs=counts.runs + runs, results=counts.results + results)
            await store.database.write(lambda c, w=workspace, b=before: memories.forget_older(c, w, b))  # type: ignore[misc]
    await store.database.write(lambda c: identities.remove_expired(c, text_of(moment)))
    await store.database.write(lambda c: shared_links.remove_expired(c, text_of(moment)))
    grace = moment - timedelta(seconds=GRACE_S)
    values = await _delete_values(store, text_of(grace))
    return replace(counts, values=values, blobs=await _delete_blobs(store, grace))


def _shown_in_drafts(connection: Connection) -> set[str]:
    """Runs whose results the cells of living drafts show."""
    query = sa.select(_CELL.c.record).join(_DRAFT, _DRAFT.c.id == _CELL.c.draft_id).where(_DRAFT.c.deleted_at.is_(None))
    return {str(json.loads(text).get("run_id")) for text in connection.execute(query).scalars()}


async def _delete_runs(store: Store, workspace: str, before: str, kept: set[str]) -> int:
    """Runs that ended before, oldest first, but not those in `kept`."""
    total, after = 0, ("", "")
    while True:
        query = (
            sa.select(_RUN.c.created_at, _RUN.c.id)
            .where(_RUN.c.workspace == workspace, _RUN.c.ended_at < before, _RUN.c.status.in_(FINISHED))
            .where(sa.or_(_RUN.c.created_at > after[0], sa.and_(_RUN.c.created_at == after[0], _RUN.c.id > after[1])))
            .order_by(_RUN.c.created_at, _RUN.c.id)
            .limit(BATCH)
        )
        found = await store.database.read(lambda c, query=query: c.execute(query).all())  # type: ignore[misc]
        if not found:
            return total
        after = (found[-1].created_at, found[-1].id)
        ids = [row.id for row in found if row.id not in kept]
        if ids:
            await store.database.write(lambda c, ids=ids: _delete_now(store, c, ids))  # type: ignore[misc]
            total += len(ids)
        await asyncio.sleep(PAUSE_S)


def _delete_now(store: Store, connection: Connection, ids: list[str]) -> None:
    held: set[str] = set()
    mine = (
        (_RUN, _RUN.c.id, ("document", "args", "result", "early_result", "plan", "trigger")),
        (_JOB, _JOB.c.run_id, ("args", "result")),
        (_RESULT, _RESULT.c.run_id, ("value",)),
    )
    for rows, key, names in mine:
        for row in connection.execute(sa.select(*(rows.c[name] for name in names)).where(key.in_(ids))):
            held.update(found for text in row if text for found in _HASH.findall(text))
    _renew(connection, held)
    approval_upkeep.remove(connection, ids)
    limits.forget(connection, ids)
    leaves.remove(connection, ids)
    wiping.forget(connection, ids)
    shared_links.forget_runs(connection, ids)
    for rows in (_LOG, _RESULT, _STATE, _JOB):
        connection.execute(sa.delete(rows).where(rows.c.run_id.in_(ids)))
    connection.execute(sa.delete(_RUN).where(_RUN.c.id.in_(ids)))


async def _delete_results(store: Store, workspace: str, before: str) -> int:
    """Results that may be used again, when they are older than the workspace keeps its runs."""
    old = sa.and_(_RESULT.c.workspace == workspace, _RESULT.c.at < before)
    some = sa.select(_RESULT.c.run_id).where(old).distinct().limit(BATCH)
    total = 0

    def work(connection: Connection, runs: Sequence[str]) -> int:
        these = sa.and_(old, _RESULT.c.run_id.in_(runs))
        _renew(connection, connection.execute(sa.select(_RESULT.c.value).where(these)).scalars())
        return connection.execute(sa.delete(_RESULT).where(these)).rowcount

    while found := await store.database.read(lambda c: c.execute(some).scalars().all()):
        total += await store.database.write(lambda c, runs=found: work(c, runs))  # type: ignore[misc]
        await asyncio.sleep(PAUSE_S)
    return total


def _renew(connection: Connection, hashes: Iterable[str]) -> None:
    at, wanted = text_of(datetime.now(UTC)), sorted(hashes)
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        connection.execute(sa.update(_VALUE).where(_VALUE.c.hash.in_(part)).values(created_at=at))


async def _delete_values(store: Store, before: str) -> int:
    unused = await store.database.read(_unused_values(before))
    total = 0
    for start in range(0, len(unused), BATCH):
        part = unused[start : start + BATCH]
        gone = sa.delete(_VALUE).where(_VALUE.c.hash.in_(part), _VALUE.c.created_at < before)
        total += await store.database.write(lambda c, gone=gone: c.execute(gone).rowcount)  # type: ignore[misc]
        await asyncio.sleep(PAUSE_S)
    return total


def _unused_values(before: str) -> Any:
    def read(connection: Connection) -> list[str]:
        unused = {row[0] for row in _UNUSED.run(connection, {"before": before})}
        if unused:
            for text in _texts(connection, _NAMING_VALUES):
                unused.difference_update(_HASH.findall(text))
        if unused:
            # large values that other values hold: these name the blob
            named = _named_by_values(connection)
            blobs = connection.execute(sa.select(_VALUE.c.hash, _VALUE.c.blob).where(_VALUE.c.blob.is_not(None)))
            unused.difference_update(row.hash for row in blobs if row.blob in named)
        return sorted(unused)

    return read


async def _delete_blobs(store: Store, before: datetime) -> int:
    old = set(await store.blobs.older_than(before))
    if not old:
        return 0
    for sha256 in await store.database.read(_unknown_references):
        with contextlib.suppress(BlobMissing):
            old.difference_update(_SHA256.findall(await store.blobs.read_text(sha256)))
    old -= await store.database.read(_used_blobs)
    return await store.blobs.remove(sorted(old), before)


def _unknown_references(connection: Connection) -> list[str]:
    """Blobs that are values of which the first version did not note what they refer to."""
    query = sa.select(_VALUE.c.blob).where(_VALUE.c.refs.is_(None), _VALUE.c.blob.is_not(None))
    return list(connection.execute(query).scalars())


def _used_blobs(connection: Connection) -> set[str]:
    used = set(connection.execute(sa.select(_VALUE.c.blob).where(_VALUE.c.blob.is_not(None))).scalars())
    used |= _named_by_values(connection)
    noted = sa.select(_VALUE.c.text).where(_VALUE.c.refs.is_(None), _VALUE.c.text.contains(REFERENCE, autoescape=True))
    for text in connection.execute(noted).scalars():
        used.update(_SHA256.findall(text))
    for text in _texts(connection, _NAMING_BLOBS, REFERENCE):
        used.update(_SHA256.findall(text))
    return used


def _named_by_values(connection: Connection) -> set[str]:
    """The blobs that values refer to, as far as it is noted beside them."""
    query = sa.select(_VALUE.c.refs).where(_VALUE.c.refs != "")
    return {sha256 for refs in connection.execute(query).scalars() for sha256 in refs.split()}


def _texts(
    connection: Connection, places: Sequence[tuple[type[SQLModel], tuple[str, ...]]], containing: str = ""
) -> Iterable[str]:
    for kind, names in places:
        for name in names:
            column = table(kind).c[name]
            query = sa.select(column).where(column.is_not(None))
            if containing:
                query = query.where(column.contains(containing, autoescape=True))
            yield from connection.execute(query).scalars()
