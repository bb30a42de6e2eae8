"""What a sharing link can lead to, and how it is found: for a member who shares it, and for whoever opens a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target
from flowapp.store import flows
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


async def behind(store: Store, link: SharedLinkRow) -> Shareable | None:
    """What a link leads to at this moment; None when it is gone. Nobody's rights are asked here."""
    if link.kind == "run":
        run = await store.runs.get(link.target)
        return None if run is None else _run(run)
    version = await store.database.read(lambda c: flows.latest(c, link.workspace, link.target))
    return None if version is None else _flow(version)


def _run(row: RunRow) -> Shareable:
    return Shareable("run", row.id, row, guard.run_target(row), row.path or row.id, f"run {row.number}")


def _flow(row: FlowVersionRow) -> Shareable:
    target = Target(row.workspace, "flow", path=row.path)
    return Shareable("flow", row.path, row, target, row.path, f"version {row.version}")
