"""Jobs that tell what came of resolving packages. They are over when they are stored: nothing ever runs for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.jsontext import JsonText, dumps
from flowapp.store import audit
from flowapp.store.runs import NewRun
from flowapp.store.schedules import end_at_once
from flowapp.store.stores import Store
from flowapp.store.values import Prepared
from flowapp.workspace.runnables import SCRIPT_STEP

Kind = Literal["dependencies", "flowdependencies"]
"""Of a script, of a flow's scripts."""


@dataclass(frozen=True, slots=True)
class LockJob:
    """A job that can be stored in any transaction."""

    store: Store
    new: NewRun
    values: tuple[Prepared, ...]
    result: Prepared
    failed: bool

    def insert(self, connection: Connection) -> str:
        """Store it; its id."""
        self.store.values.insert(connection, *self.values)
        run = self.store.runs.insert(connection, self.new)
        end_at_once(connection, run.id, "failure" if self.failed else "success", self.result.hash, failed=self.failed)
        audit.add(
            connection,
            workspace=self.new.workspace,
            by=self.new.created_by,
            action=f"{self.new.kind}.run",
            target=self.new.path,
        )
        return run.id


async def lock_job(
    store: Store, identity: Identity, kind: Kind, path: str, value: Mapping[str, Any], result: Mapping[str, Any]
) -> LockJob:
    """The job about the packages of a flow's value, or of the one script in it (`script_value`)."""
    document, args = store.values.inline(dumps({"summary": "", "value": value})), store.values.inline(JsonText("{}"))
    made = await store.values.prepare(dumps(result))
    new = NewRun(
        workspace=identity.workspace,
        kind=kind,
        document=document.hash,
        args=args.hash,
        created_by=identity.username,
        path=path,
        summary="Packages",
        permissioned_as=identity.permissioned_as,
        email=identity.email,
        trigger=dumps({"kind": "api", "event": None}),
    )
    return LockJob(store, new, (document, args, made), made, failed="error" in result)


def script_value(language: str, code: str) -> dict[str, Any]:
    """A script as the only step of a flow."""
    step = {"type": "rawscript", "content": code, "language": language}
    return {"modules": [{"id": SCRIPT_STEP, "value": {**step, "input_transforms": {}}}]}


def failed(problem: str) -> dict[str, Any]:
    """The result of packages that could not be had."""
    return {"error": {"name": "PackagesUnavailable", "message": problem}}
