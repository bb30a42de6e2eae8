"""User state of flows: JSON text by key, for one root run (`run id`) or for the cells of a draft (`draft:<id>`).

It lives beside the run, so that any step reads and writes it while the flow runs or waits, from any server.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import NULL, JsonText
from flowapp.store.clock import now
from flowapp.store.rows import table, upsert
from flowapp.store.tables import FlowStateRow

_STATE = table(FlowStateRow)


def key_of(root_run: str, draft_id: str | None = None) -> str:
    """What the states of a run are kept under: runs of a draft's cells share those of the draft."""
    return f"draft:{draft_id}" if draft_id else root_run


def get(connection: Connection, run_id: str, key: str) -> JsonText:
    """The state at `key`; `null` when nobody set it."""
    query = sa.select(_STATE.c.value).where(_STATE.c.run_id == run_id, _STATE.c.key == key)
    found = connection.execute(query).scalar()
    return NULL if found is None else JsonText(str(found))


def set(connection: Connection, run_id: str, key: str, value: JsonText) -> None:
    """Set the state at `key`. The last one wins."""
    upsert(connection, FlowStateRow(run_id=run_id, key=key, value=value, updated_at=now()))


def all_of_run(connection: Connection, run_id: str) -> dict[str, JsonText]:
    """All states of a run or draft, by key."""
    query = sa.select(_STATE.c.key, _STATE.c.value).where(_STATE.c.run_id == run_id).order_by(_STATE.c.key)
    return {str(row.key): JsonText(str(row.value)) for row in connection.execute(query)}


def copy(connection: Connection, run_id: str, to: str) -> None:
    """Give a run all the states of another one."""
    for key, value in all_of_run(connection, run_id).items():
        set(connection, to, key, value)


def clear(connection: Connection, run_id: str) -> int:
    """Forget all states of a run or draft; how many there were."""
    return connection.execute(sa.delete(_STATE).where(_STATE.c.run_id == run_id)).rowcount


def remove(connection: Connection, run_id: str, key: str) -> None:
    """Forget the state at `key`; nothing happens when there is none."""
    connection.execute(sa.delete(_STATE).where(_STATE.c.run_id == run_id, _STATE.c.key == key))
