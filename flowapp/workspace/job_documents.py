"""Where the steps of a run stand in documents: ids in paths, modules of iterations and branches, documents of called flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.openflow.walk import kind_of, walk
from flowapp.store import flows


def flow_document(connection: Connection, workspace: str, path: str, version: Any) -> Mapping[str, Any]:
    """A flow's document: the version that ran where it is known."""
    row = flows.version(connection, workspace, path, version) if isinstance(version, int) else None
    row = row or flows.latest(connection, workspace, path)
    found: Mapping[str, Any] = loads(row.document) if row is not None else {}
    return found


def body_of(document: Mapping[str, Any], rest: str) -> list[Any]:
    """The modules of the iteration or branch at `rest`, such as `loop[3]` or `a[0].br[default]`."""
    container, _, name = rest.rpartition("[")
    name = name.rstrip("]")
    wanted = step_id_of(container)
    module = next((found.module for found in walk(document) if found.step_id == wanted), None)
    if module is None:
        return []
    value = module["value"]
    if kind_of(module) not in ("branchone", "branchall"):
        return list(value.get("modules") or [])
    if not name.isdigit():
        return list(value.get("default") or [])
    branches = value.get("branches") or []
    return list(branches[int(name)].get("modules") or []) if int(name) < len(branches) else []


def step_id_of(path: str) -> str:
    """The step id at the end of a path; that of a task is the key that it is recorded under."""
    last = path.rpartition("/")[2].rpartition(".")[2]
    # a turn or call of an agent has its number before its id
    return last.rpartition(":")[2].partition("[")[0].partition("~")[0]


def without_attempt(path: str) -> str:
    """`loop~2` is where the second attempt's steps are; the loop's own row is at `loop`."""
    head, mark, number = path.rpartition("~")
    return head if mark and number.isdigit() else path
