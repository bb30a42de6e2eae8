"""Saved views of the list of runs: a filter under a name, for oneself or for the workspace.

A view says which runs to list, and gives no right to any of them: whoever opens it sees those that they may read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.store import audit, identities, run_views
from flowapp.store.clock import now
from flowapp.store.runs import FINISHED, UNFINISHED
from flowapp.store.tables import RunViewRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.run_query import FIELDS, RunQuery
from flowapp.workspace.stored import MAX_PATH, enter, flag_in, text_in

LONGEST = 80
"""Characters of a name."""
MOST = 50
"""Views that one person keeps in a workspace."""
STATUSES = frozenset({"", *FINISHED, *UNFINISHED})


class RunFilters:
    """Use-cases about saved views of the list of runs.

    A view is told as `{"id", "name", "shared", "owner", "owner_name", "mine", "may": {"edit", "share", "delete"}}` and the
    fields of `RunQuery`, which are what `GET …/runs` takes, "" where they narrow nothing.
    """

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def listing(self, identity: Identity) -> list[dict[str, Any]]:
        """One's own views by name, then those that others share."""
        require(identity, "run_view.read", Target(identity.workspace, "run view"))

        def read(connection: Connection) -> list[dict[str, Any]]:
            rows = run_views.visible(connection, identity.workspace, identity.username)
            names = identities.names(connection, {row.owner for row in rows}) if rows else {}
            return [_shown(identity, row, names) for row in rows]

        return await self._database.read(read)

    async def get(self, identity: Identity, view_id: str) -> dict[str, Any]:
        """One view.

        Raises:
            NotFound: there is none, or it is somebody else's own.
        """
        enter(identity)

        def read(connection: Connection) -> dict[str, Any]:
            row = _found(connection, identity, "run_view.read", view_id)
            return _shown(identity, row, identities.names(connection, {row.owner}))

        return await self._database.read(read)

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a filter: `{"name", "shared"?}` and fields of `RunQuery`; answers the view.

        Raises:
            NotAllowed: the role shares none.
            AlreadyThere: the caller keeps one of that name.
            BadRequest: no name or a long one, no filter or one that takes no run, or too many views.
        """
        require(identity, "run_view.create", Target(identity.workspace, "run view", owner=identity.username))
        row = RunViewRow(
            id=secrets.token_hex(8), workspace=identity.workspace, owner=identity.username, name="", created_at=now()
        )

        def work(connection: Connection) -> RunViewRow:
            identities.lock_workspace(connection, identity.workspace)
            made = _changed(connection, identity, row, body)
            if len(run_views.of_owner(connection, identity.workspace, identity.username)) >= MOST:
                raise BadRequest(f"You keep {MOST} views already.", "Delete one that you do not need.")
            run_views.add(connection, made)
            _note(connection, identity, row, made)
            return made

        return await self._answered(identity, work)

    async def update(self, identity: Identity, view_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change what the body names: `{"name"?, "shared"?}`, fields of `RunQuery`; answers the view.

        Raises:
            NotFound: there is none, or it is somebody else's own.
            NotAllowed: it is somebody else's, or shared by a role that shares none.
            AlreadyThere, BadRequest: as `create` does.
        """
        enter(identity)

        def work(connection: Connection) -> RunViewRow:
            identities.lock_workspace(connection, identity.workspace)
            row = _found(connection, identity, "run_view.edit", view_id)
            made = _changed(connection, identity, row, body)
            run_views.put(connection, made)
            _note(connection, identity, row, made)
            return made

        return await self._answered(identity, work)

    async def delete(self, identity: Identity, view_id: str) -> None:
        """Take a view away. Runs stay.

        Raises:
            NotFound, NotAllowed: as `update` does.
        """
        enter(identity)

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            row = _found(connection, identity, "run_view.delete", view_id)
            run_views.remove(connection, row.id)
            _note(connection, identity, row, None)

        await self._database.write(work)

    async def _answered(self, identity: Identity, work: Callable[[Connection], RunViewRow]) -> dict[str, Any]:
        def all_of_it(connection: Connection) -> dict[str, Any]:
            row = work(connection)
            return _shown(identity, row, identities.names(connection, {row.owner}))

        return await self._database.write(all_of_it)


def target(row: RunViewRow) -> Target:
    """A view as the policy sees it."""
    return Target(row.workspace, "run view", owner=row.owner, private=not row.shared)


def _found(connection: Connection, identity: Identity, action: Action, view_id: str) -> RunViewRow:
    row = run_views.get(connection, identity.workspace, view_id)
    if row is None:
        raise missing("run view")
    require(identity, action, target(row))
    return row


def _changed(connection: Connection, identity: Identity, row: RunViewRow, body: Mapping[str, Any]) -> RunViewRow:
    """The row with what the body says of it. Whatever others will see needs the right to share."""
    made = RunViewRow(
        **{
            **row.model_dump(),
            "name": " ".join(text_in(body, "name", row.name, limit=LONGEST).split()),
            **{field: text_in(body, field, getattr(row, field), limit=MAX_PATH).strip() for field in FIELDS},
            "shared": flag_in(body, "shared", row.shared),
        }
    )
    if made.shared:
        require(identity, "run_view.share", target(made))
    if not made.name:
        raise BadRequest("The view has no name.", "Say what it lists, such as “Failed nightly runs”.")
    if made.status not in STATUSES:
        raise BadRequest(f"No run is {made.status[:40]!r}.", f"Use one of {', '.join(sorted(STATUSES - {''}))}.")
    query = RunQuery.of(made.model_dump())
    query.filter()  # of what cannot be read, nothing is kept
    if not query.given():
        raise BadRequest("This view would list all runs.", "Choose a state, a path or another filter first.")
    others = run_views.of_owner(connection, row.workspace, row.owner)
    if any(other.id != row.id and other.name.casefold() == made.name.casefold() for other in others):
        raise AlreadyThere(f"There is already a view “{made.name}”.", "Choose another name.")
    return made


def _note(connection: Connection, identity: Identity, before: RunViewRow, after: RunViewRow | None) -> None:
    """What is one's own concerns nobody; what others see or saw is in the audit trail."""
    if after is None:
        verb = "delete" if before.shared else ""
    elif before.shared and after.shared:
        verb = "update" if before != after else ""
    else:
        verb = "share" if after.shared else "unshare" if before.shared else ""
    if verb:
        audit.add(
            connection,
            workspace=identity.workspace,
            by=identity.username,
            action=f"run_view.{verb}",
            target=(after or before).name,
            detail=f"of {before.owner}" if before.owner != identity.username else "",
        )


def _shown(identity: Identity, row: RunViewRow, names: Mapping[str, str]) -> dict[str, Any]:
    about = target(row)
    return {
        **row.model_dump(include={"id", "name", "shared", "owner", *FIELDS}),
        "owner_name": names.get(row.owner, row.owner),
        "mine": row.owner == identity.username,
        "may": {
            "edit": guard.may(identity, "run_view.edit", about),
            "share": guard.may(identity, "run_view.share", about),
            "delete": guard.may(identity, "run_view.delete", about),
        },
    }
