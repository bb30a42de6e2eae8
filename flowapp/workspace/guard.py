"""Finding drafts and runs on behalf of somebody: the policy is asked here, before anything of them is told."""

from __future__ import annotations

from flowapp.access import policy
from flowapp.access.identity import Identity
from flowapp.access.person import Person
from flowapp.access.policy import Action, Target, missing, require
from flowapp.access.sessions import Sessions
from flowapp.signatures.sql_files import BY_SCRIPT
from flowapp.store import drafts, flows
from flowapp.store.seen import Look
from flowapp.store.stores import Store
from flowapp.store.tables import DraftRow, FlowVersionRow, RunRow

_PLACES = ("u/", "f/", "g/")


def may(identity: Identity, action: Action, target: Target) -> bool:
    """Whether it is allowed: for lists, which leave out what is not."""
    return isinstance(policy.decide(identity, action, target), policy.Allowed)


def knows(identity: Identity, action: Action, target: Target) -> bool:
    """Whether the identity may do `action`; False where they may not even know of the thing.

    Raises:
        NotAllowed: they may know of it, and no more.
    """
    decision = policy.decide(identity, action, target)
    if isinstance(decision, policy.Denied) and decision.hidden:
        return False
    require(identity, action, target)
    return True


def workspace_target(identity: Identity) -> Target:
    """The workspace itself, as a target."""
    return Target(identity.workspace, "workspace")


def draft_target(row: DraftRow) -> Target:
    """A draft belongs to its owner (and admins)."""
    return Target(row.workspace, "draft", owner=row.owner, private=True)


def run_target(row: RunRow) -> Target:
    """A run of cells is as private as its draft, and so is one of code without a path; others are as open as their path.

    What is stored as visible to its runner only has private runs.
    """
    if row.kind == "cells" or not row.path:
        return Target(row.workspace, "run", owner=row.created_by, private=True, id=row.id)
    of = policy.thing_of(row.kind)
    return Target(row.workspace, "run", path=row.path, owner=row.created_by, private=row.private, id=row.id, of=of)


def flow_target(identity: Identity, path: str) -> Target:
    """A deployed flow, by its path in the identity's workspace."""
    return Target(identity.workspace, "flow", path=path)


def script_target(identity: Identity, path: str) -> Target:
    """A stored script, by its path in the identity's workspace."""
    return Target(identity.workspace, "script", path=path)


def variable_target(identity: Identity, path: str) -> Target:
    """A variable, by its path in the identity's workspace."""
    return Target(identity.workspace, "variable", path=path)


def resource_target(identity: Identity, path: str) -> Target:
    """A resource, by its path in the identity's workspace."""
    return Target(identity.workspace, "resource", path=path)


def object_target(identity: Identity, key: str) -> Target:
    """A stored file, by its key: one that begins like a path is as open as that path, and rows of an SQL script as what made them."""
    if key.startswith(_PLACES):
        return Target(identity.workspace, "file", path=key)
    rows = key.removeprefix(f"{BY_SCRIPT}/")
    if rows == key or not rows.startswith(_PLACES):
        return Target(identity.workspace, "file")
    path = rows.rpartition("/")[0] if rows.count("/") > 2 else rows
    of: policy.Kind = "flow" if ("flow", path) in identity.grants else "script"
    return Target(identity.workspace, "file", path=path, of=of)


def folder_target(identity: Identity, name: str) -> Target:
    """A folder, by its name: rights in it are those of a path in it."""
    return Target(identity.workspace, "folder", path=f"f/{name}/")


def account_target(identity: Identity) -> Target:
    """One's own account, in no workspace."""
    return Target(identity.workspace, "account", owner=identity.username)


def account_of(sessions: Sessions, person: Person, action: Action) -> Identity:
    """Whoever may do something to their own account, or to the installation.

    Raises:
        NotAllowed: they may not.
    """
    identity = sessions.account(person)
    require(identity, action, account_target(identity))
    return identity


async def draft_row(store: Store, identity: Identity, action: Action, draft_id: str) -> DraftRow:
    """The draft, if the identity may do `action` to it.

    Raises:
        NotFound: there is none, or it must look so.
        NotAllowed: the role does not include the action.
    """
    # somebody without any right in this workspace must not even learn ids by the time an answer takes
    require(identity, "workspace.read", workspace_target(identity))
    row = await store.database.read(lambda connection: drafts.get(connection, draft_id))
    if row is None:
        raise missing("draft")
    require(identity, action, draft_target(row))
    return row


async def run_row(store: Store, identity: Identity, action: Action, run_id: str) -> RunRow:
    """The run, if the identity may do `action` to it.

    Raises:
        NotFound: there is none, or it must look so.
        NotAllowed: the role does not include the action.
    """
    require(identity, "workspace.read", workspace_target(identity))
    row = await store.runs.get(run_id)
    if row is None:
        raise missing("run")
    require(identity, action, run_target(row))
    if action == "run.read":
        note_run_seen(store, identity, row)
    return row


def note_run_seen(store: Store, identity: Identity, row: RunRow) -> None:
    """For the trail: whoever was let at a run may have seen its arguments, results and logs.

    One's own needs no note, having run it says so; what a schedule ran, nobody has seen by that.
    """
    if row.created_by == identity.username and (row.schedule is None or identity.job):
        return
    by = identity.username
    store.seen.note(Look(row.workspace, by, "run.view", row.path or row.id, f"run {row.number}{as_job(identity)}"))


def as_job(identity: Identity) -> str:
    """Words for the trail where it is a job that sees for its person."""
    return ", by a job" if identity.job else ""


async def flow_row(store: Store, identity: Identity, action: Action, path: str) -> FlowVersionRow:
    """The version of a flow that is deployed now, if the identity may do `action` to the flow.

    Raises:
        NotFound: nothing is deployed at the path, or it must look so.
        NotAllowed: the role does not include the action.
    """
    require(identity, action, flow_target(identity, path))
    row = await store.database.read(lambda connection: flows.latest(connection, identity.workspace, path))
    if row is None:
        raise missing("flow")
    return row
