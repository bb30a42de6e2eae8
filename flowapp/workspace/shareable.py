"""What a sharing link can lead to, and how it is found: for a member who shares it, and for whoever opens a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.store import flow_versions, flows
from flowapp.store.stores import Store
from flowapp.store.tables import FlowVersionRow, RunRow, SharedLinkRow
from flowapp.workspace import guard

Kind: TypeAlias = Literal["run", "flow"]
SHARE: dict[Kind, Action] = {"run": "run.share", "flow": "flow.share"}
READ: dict[Kind, Action] = {"run": "run.read", "flow": "flow.read"}


@dataclass(frozen=True, slots=True)
class Shareable:
    """A run, or the version of a flow that is deployed now.

    `name` is what links are kept under: the id of the run, the path of the flow. `path` and `words` are for the audit trail.
    """

    kind: Kind
    name: str
    row: RunRow | FlowVersionRow
    target: Target
    path: str
    words: str


async def asked_for(store: Store, identity: Identity, kind: Kind, name: str) -> Shareable:
    """What the identity wants to share.

    Raises:
        NotFound: there is none, or it must look so.
        NotAllowed: they may know of it, and may not share it.
    """
    if kind == "run":
        return _run(await guard.run_row(store, identity, "run.share", name))
    return _flow(await guard.flow_row(store, identity, "flow.share", name))


async def linked(store: Store, identity: Identity, kind: Kind, name: str) -> Shareable:
    """What the identity wants to see or revoke the links of: also a flow that is archived, whose links wait for it to come back.

    Raises:
        NotFound, NotAllowed: as `asked_for`.
    """
    if kind == "run":
        return await asked_for(store, identity, kind, name)
    require(identity, "flow.share", guard.flow_target(identity, name))
    version = await store.database.read(lambda c: flow_versions.newest(c, identity.workspace, name))
    if version is None:
        raise missing("flow")
    return _flow(version)


async def behind(store: Store, link: SharedLinkRow) -> Shareable | None:
    """What a link leads to at this moment; None when it is gone. Nobody's rights are asked here."""
    return await store.database.read(lambda c: found(c, store, link))


def found(connection: Connection, store: Store, link: SharedLinkRow) -> Shareable | None:
    """`behind` for use inside a larger read or write."""
    if link.kind == "run":
        run = store.runs.find(connection, link.target)
        return None if run is None else _run(run)
    version = flows.latest(connection, link.workspace, link.target)
    return None if version is None else _flow(version)


def _run(row: RunRow) -> Shareable:
    return Shareable("run", row.id, row, guard.run_target(row), row.path or row.id, f"run {row.number}")


def _flow(row: FlowVersionRow) -> Shareable:
    target = Target(row.workspace, "flow", path=row.path)
    return Shareable("flow", row.path, row, target, row.path, f"version {row.version}")
