"""The one door through which runs of flows and scripts start: pages, the API, webhooks, schedules and restarts use it.

A single script runs as a flow of one module, so that everything which follows a run follows it too.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import Target, missing, require
from flowapp.jsontext import JsonText, dumps, hash_of, loads
from flowapp.store import audit, cancels, flows, identities, scripts
from flowapp.store.blobs import REFERENCE
from flowapp.store.clock import text_of
from flowapp.store.runs import NewRun
from flowapp.store.tables import FlowVersionRow, RunRow, ScriptRow
from flowapp.store.values import Prepared
from flowapp.workspace import guard, runnables
from flowapp.workspace.arguments import set_apart
from flowapp.workspace.blob_guard import require_known
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, JobIdTaken
from flowapp.workspace.runnables import HUB, Runnable, Start, Trigger
from flowapp.workspace.script_rows import has_preprocessor


class Starting:
    """Starts runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def start(self, identity: Identity, start: Start) -> RunRow:
        """Store a run and begin it (or leave it to the timer where it is for later); returns its row.

        Raises:
            NotFound: what should run is not there, or must look so.
            NotAllowed: the role does not include running it.
            BadRequest: the request does not make sense.
            BadRequest: `job_id` is one of those that the server computes.
            JobIdTaken: `job_id` is in use.
            UploadTooLarge: a text of over 50 MB among the arguments.
        """
        wanted = _job_id(start.job_id)
        if wanted is not None and uuid.UUID(wanted).version == 5:
            # ticks and steps have such ids: who took one first would stop a schedule, or stand in for a step
            raise BadRequest(
                "job_id must be a random UUID, not one of version 5.", "Leave it out: the server makes one."
            )
        run = await self._start(identity, start, None)
        if run is None:
            raise JobIdTaken(f"There is a job {start.job_id} already.", "Leave job_id out, or make a new one.")
        return run

    async def start_within(
        self, identity: Identity, start: Start, within: Callable[[Connection], bool]
    ) -> RunRow | None:
        """`start`, if `within` says so: it is called first, in the transaction that stores the run.

        None, and nothing is stored, when it answers False or a run with `job_id` is there already.
        """
        return await self._start(identity, start, within)

    async def _start(
        self, identity: Identity, start: Start, within: Callable[[Connection], bool] | None
    ) -> RunRow | None:
        runnable = await self.resolve(identity, start)
        await require_known(self._store.database, identity.workspace, start.args)
        if REFERENCE in runnable.document:
            await require_known(self._store.database, identity.workspace, loads(runnable.document))
        # whoever started it for a schedule has waited for its tick, by the clock of that server
        later = None if start.schedule else _later(start.scheduled_for)
        event = await self._event(start, runnable)
        if start.stored_args is not None:
            args_hash, prepared = start.stored_args, []
        else:
            args = await self._store.values.prepare(dumps(await set_apart(self._store.blobs, dict(start.args))))
            args_hash, prepared = args.hash, [args]
        document = self._store.values.inline(start.around or runnable.document)
        behind = await self._rights_of(identity, runnable)
        new = NewRun(
            workspace=identity.workspace,
            kind=start.kind if start.around is None else "flow",
            path=runnable.path,
            summary=runnable.summary,
            version=runnable.version if start.around is None else None,
            document=document.hash,
            args=args_hash,
            created_by=identity.username,
            permissioned_as=behind.permissioned_as,
            email=behind.email,
            parent_run=_uuid_or_none(start.parent_job),
            root_run=_uuid_or_none(start.root_job) or _uuid_or_none(start.parent_job),
            wake_at=later,
            scheduled_for=_scheduled(start, later),
            schedule=start.schedule,
            trigger=_trigger_json(start, event, {} if behind is identity else await self._lent(identity, start)),
            language=runnable.language,
            script_hash=runnable.hash,
            tag=start.tag or runnable.tag,
            priority=runnable.priority,
            restarted_from=start.restarted_from,
            private=runnable.private or start.private,
            memory_id=start.memory_id,
        )
        prepared = [document, *prepared, *([event] if event is not None else [])]
        run_id = _job_id(start.job_id)

        def work(connection: Connection) -> RunRow | None:
            if run_id is not None and self._store.runs.find(connection, run_id) is not None:
                return None
            if within is not None and not within(connection):
                return None
            self._store.values.insert(connection, *prepared)
            caller = identity.run if new.parent_run or new.root_run else ""
            wish = cancels.wish_of(connection, caller) if caller else None
            run = self._store.runs.insert(connection, new, run_id)
            if wish is not None:
                cancels.give(connection, run.id, wish)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action=f"{'flow' if start.kind in ('flow', 'flowpreview') else 'script'}.run",
                target=runnable.path,
                detail=_detail(run, start),
            )
            return run

        run = await self._store.database.write(work)
        if run is not None and later is None:
            await self._context.engine.start_run(run.id)
        return run

    async def _rights_of(self, identity: Identity, runnable: Runnable) -> Identity:
        """Who the run runs for: whoever starts it, or the person that the flow or script names.

        Raises:
            NotAllowed: that person is not a member any more.
        """
        email = runnable.on_behalf
        if email is None or email == identity.email:
            return identity
        people = await self._store.database.read(lambda c: identities.members(c, identity.workspace))
        username = next((user.username for user, _ in people if user.email == email), None)
        if username is None:
            raise NotAllowed(f"{email[:200]}, whose rights it runs with, is not a member of this workspace.")
        return await self._context.sessions.identity_named(username, identity.workspace)

    async def _lent(self, identity: Identity, start: Start) -> Mapping[str, Any]:
        """What the trigger of a run with somebody else's rights says: who started it, and that no argument is a reference.

        `$var:` and `$res:` in what a person gives would be read with rights that the person does not have.
        """
        args: Mapping[str, Any] = start.args
        if start.stored_args is not None:
            args = loads(await self._store.values.get_value(start.stored_args))
        return {"by": identity.email, "data": list(args)}

    async def resolve(self, identity: Identity, start: Start) -> Runnable:
        """What would run, after asking whether the identity may run it. See `start` for what is raised."""
        match start.kind:
            case "flow":
                return await self._flow(identity, start)
            case "script":
                return await self._script(identity, start)
            case "flowpreview":
                require(identity, "draft.run", Target(identity.workspace, "flow", path=start.path))
                return runnables.flow_preview(start)
            case "preview":
                if not start.function:
                    require(identity, "draft.run", Target(identity.workspace, "script", path=start.path))
                return runnables.script_preview(start)

    async def _flow(self, identity: Identity, start: Start) -> Runnable:
        require(identity, "workspace.read", guard.workspace_target(identity))
        workspace = identity.workspace

        def read(connection: Connection) -> FlowVersionRow | None:
            if start.version_id is not None:
                return flows.by_id(connection, workspace, start.version_id)
            if start.version is not None:
                return flows.version(connection, workspace, start.path, start.version)
            return flows.latest(connection, workspace, start.path)

        if start.version_id is None:
            require(identity, "flow.run", guard.flow_target(identity, start.path))
        row = await self._store.database.read(read)
        if row is None:
            raise missing("flow")
        require(identity, "flow.run", guard.flow_target(identity, row.path))
        document = runnables.with_settings(JsonText(row.document), start)
        flow = loads(row.document)
        value = flow.get("value") or {}
        return Runnable(
            document,
            row.path,
            row.summary,
            version=row.version,
            tag=str(flow.get("tag") or value.get("tag") or ""),
            priority=runnables.priority_of(value) or runnables.priority_of(flow),
            preprocessed=runnables.is_preprocessed(document),
            private=flow.get("visible_to_runner_only") is True,
            on_behalf=await self._on_behalf(identity, flow, row.created_by),
        )

    async def _script(self, identity: Identity, start: Start) -> Runnable:
        require(identity, "workspace.read", guard.workspace_target(identity))
        if start.hash is None and start.path.startswith(HUB):
            require(identity, "script.run", Target(identity.workspace, "script", path=start.path))
            return Runnable(runnables.one_step({"type": "script", "path": start.path}, start), start.path)

        def read(connection: Connection) -> ScriptRow | None:
            if start.hash is not None:
                return scripts.by_hash(connection, identity.workspace, start.hash)
            return scripts.latest(connection, identity.workspace, start.path)

        if start.hash is None:
            require(identity, "script.run", Target(identity.workspace, "script", path=start.path))
        row = await self._store.database.read(read)
        if row is None:
            raise missing("script")
        require(identity, "script.run", Target(identity.workspace, "script", path=row.path))
        extra = loads(row.extra)
        preprocessed = bool(extra.get("has_preprocessor")) or has_preprocessor(row.content)
        return Runnable(
            # pinned: the run stays what it was when somebody stores a newer version before it begins
            runnables.one_step(
                {"type": "script", "path": row.path, "hash": row.hash},
                start,
                preprocessed=preprocessed,
                whole={name: extra[name] for name in runnables.DEBOUNCING if extra.get(name) is not None},
            ),
            row.path,
            row.summary,
            hash=row.hash,
            language=row.language,
            tag=row.tag or "",
            priority=runnables.priority_of(extra),
            preprocessed=preprocessed,
            private=extra.get("visible_to_runner_only") is True,
            on_behalf=await self._on_behalf(identity, extra, row.created_by),
        )

    async def _on_behalf(self, identity: Identity, stored: Mapping[str, Any], author: str) -> str | None:
        """Whose rights the stored flow or script wants for its runs (`on_behalf_of_email`).

        Only an admin may lend the rights of somebody else: who stored the version has to be that person, or an admin.

        Raises:
            NotAllowed: whoever stored it may not lend those rights.
        """
        email = stored.get("on_behalf_of_email")
        if not isinstance(email, str) or not email:
            return None
        stored_by = await self._context.sessions.identity_named(author, identity.workspace)
        if stored_by.role != "admin" and stored_by.email != email:
            raise NotAllowed(
                f"It is to run with the rights of {email[:200]}, and {author}, who stored it, may not lend those.",
                "Have that person or an admin store it again, or remove on_behalf_of_email.",
            )
        return email

    async def _event(self, start: Start, runnable: Runnable) -> Prepared | None:
        trigger = start.trigger
        if trigger is None or trigger.event is None or start.skip_preprocessor or not runnable.preprocessed:
            return None
        return await self._store.values.prepare(dumps(trigger.event()))


def inline(text: JsonText) -> Prepared:
    """Documents stay in the database whatever their size: a file of its own, synced to disk, would cost more."""
    return Prepared(hash_of(text), text, None, len(text.encode("utf-8", "surrogatepass")))


def _later(moment: datetime | None) -> str | None:
    """When a run is for later: the stored time; a moment that has passed is now."""
    if moment is None:
        return None
    if moment - datetime.now(UTC) > timedelta(days=3660):
        raise BadRequest("A run cannot be scheduled more than ten years ahead.", "Use a schedule.")
    return text_of(moment) if moment > datetime.now(UTC) else None


def _scheduled(start: Start, later: str | None) -> str | None:
    """The moment that a run is told it was meant for: its own later start, or its schedule's tick, which has passed."""
    return text_of(start.scheduled_for) if start.schedule and start.scheduled_for else later


def _trigger_json(start: Start, event: Prepared | None, lent: Mapping[str, Any]) -> JsonText:
    trigger = start.trigger or Trigger("api")
    more = {**trigger.more, **({"memory_id": start.memory_id} if start.memory_id else {})}
    # the kind comes first: lists find runs by how this text begins
    return dumps({"kind": trigger.kind, "event": event.hash if event else None, **more, **lent})


def _detail(run: RunRow, start: Start) -> str:
    version = f", version {run.version}" if run.version is not None else ""
    by = f", by {start.trigger.kind}" if start.trigger is not None else ""
    return f"run {run.number}{version}{by}"


def _job_id(text: str | None) -> str | None:
    if text is None:
        return None
    found = _uuid_or_none(text)
    if found is None:
        raise BadRequest(f"job_id must be a UUID, not {text[:80]!r}.", "Leave it out: the server makes one.")
    return found


def _uuid_or_none(text: str | None) -> str | None:
    try:
        return str(uuid.UUID(text)) if text else None
    except ValueError:
        return None
