"""Flows: what there is, deploying a draft as a version, reading and exporting versions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, decide, require
from flowapp.jsontext import dumps, loads
from flowapp.openflow import documents
from flowapp.openflow.walk import walk
from flowapp.signatures import lint
from flowapp.store import acls, audit, drafts, flows, identities, shared_links
from flowapp.store.clock import now
from flowapp.store.events import Event
from flowapp.store.tables import DraftRow, FlowVersionRow, RunRow
from flowapp.workspace import flow_news, flow_paths, guard, step_names
from flowapp.workspace.acl_marks import marked_one
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.editing import draft_json
from flowapp.workspace.errors import BadRequest, DocumentRejected, NewerVersion, PathTaken
from flowapp.workspace.locks import Locks
from flowapp.workspace.open_drafts import tell_others
from flowapp.workspace.run_views import run_json
from flowapp.workspace.runs import may_read
from flowapp.workspace.stored_flows import shown


@dataclass(frozen=True, slots=True)
class Export:
    """A document as a file."""

    content: bytes
    media_type: str
    name: str


class Flows:
    """Use-cases about flows and their deployed versions."""

    def __init__(self, context: Context, open_drafts: Drafts, locks: Locks) -> None:
        self._store = context.store
        self._sessions = context.sessions
        self._locks = locks
        self._drafts = open_drafts

    async def listing(self, identity: Identity) -> list[dict[str, Any]]:
        """Deployed flows that the identity may see, and their own drafts while they may open them; last edited first."""
        require(identity, "workspace.read", guard.workspace_target(identity))

        def work(connection: Connection) -> tuple[list[FlowVersionRow], list[DraftRow], Any]:
            return (
                flows.list_latest(connection, identity.workspace),
                drafts.list_of(connection, identity.workspace, identity.username),
                flows.last_runs(connection, identity.workspace),
            )

        versions, own, (by_path, by_draft) = await self._store.database.read(work)
        listed: dict[str, dict[str, Any]] = {}
        for version in versions:
            if isinstance(decide(identity, "flow.read", guard.flow_target(identity, version.path)), Allowed):
                runs = [by_path.get(version.path)]
                listed[version.path] = _listed(identity, version.path, version.summary, version.created_at, runs)
                listed[version.path] |= {
                    "version": version.version,
                    "may_run": guard.may(identity, "flow.run", guard.flow_target(identity, version.path)),
                    "may_delete": guard.may(identity, "flow.deploy", guard.flow_target(identity, version.path)),
                }
        for row in (one for one in own if guard.may(identity, "draft.read", guard.draft_target(one))):
            runs = [by_path.get(row.path), by_draft.get(row.id)]
            entry = _listed(identity, row.path, row.summary, row.saved_at, runs)
            known = listed.get(row.path)
            entry |= {"draft_id": row.id, "version": known["version"] if known else None}
            entry["may_run"] = bool(known and known["may_run"])
            listed[row.path] = entry
        return sorted(listed.values(), key=lambda entry: str(entry["edited_at"]), reverse=True)

    async def deploy(
        self, identity: Identity, draft_id: str, *, path: str = "", message: str = "", replace: bool = False
    ) -> dict[str, Any]:
        """Make the draft, as it is now, the next version at `path` (its own path when not given).

        Stand-in values (pins) stay behind: `left_out` names them. Scripts get locks of their packages; `not_locked` says
        which could not.

        Raises:
            DocumentRejected: the document has errors; nothing is deployed.
            PathTaken: a flow that does not come from this draft is there.
            NewerVersion: somebody deployed a newer version of it meanwhile. `replace` deploys nevertheless in both cases, as
                a version after that one.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        wanted = flow_paths.checked(path or draft.row.path)
        require(identity, "flow.deploy", guard.flow_target(identity, wanted))
        # What is resolved is kept: under the draft's lock, where nobody can edit, nothing has to be waited for again.
        await self._locks.flow(identity, deployable(draft.document.flow)[0], wanted)
        async with draft.lock:
            flow, left_out = deployable(draft.document.flow)
            problems = await asyncio.to_thread(lint, flow)
            errors = [problem.to_json() for problem in problems if problem.severity == "error"]
            if errors:
                raise DocumentRejected(
                    f"The flow has {len(errors)} error{'' if len(errors) == 1 else 's'}: {errors[0]['message']}",
                    "Correct what the problems list names, then deploy again.",
                    errors,
                )
            not_locked = await self._locks.flow(identity, flow, wanted)
            row, base, at_version = draft.row, draft.base_version, draft.row.version
            version = FlowVersionRow(
                workspace=identity.workspace,
                path=wanted,
                version=0,
                summary=str(flow.get("summary") or "")[:500],
                document=dumps(flow),
                message=message[:2000],
                created_by=identity.username,
                created_at=now(),
            )

            deployed = {
                "path": wanted,
                "deployed_at_version": at_version,
                "deployed_steps": step_names.held_text(draft.document),
            }

            def work(connection: Connection) -> tuple[int, bool]:
                identities.lock_workspace(connection, identity.workspace)
                latest = flows.latest(connection, identity.workspace, wanted)
                if latest is not None and not replace:
                    _refuse_overwriting(latest, row.path, base)
                if latest is None:
                    # an archived one that was there is another flow, and what it gave is not this one's to give
                    shared_links.forget_flow(connection, identity.workspace, wanted)
                    acls.forget(connection, identity.workspace, "flow", wanted)
                number = flows.add(connection, version)
                step_names.follow_draft(connection, draft, version)
                drafts.set_columns(connection, row.id, deployed | {"deployed_version": number})
                # their cells are steps of the flow now, and comments on them the flow's
                self._store.events.after_commit(Event(draft.topic, "comments", {}))
                tell_others(self._store.events, row.id)
                flow_news.tell_deployed(connection, self._store.events, version)
                audit.add(
                    connection,
                    workspace=identity.workspace,
                    by=identity.username,
                    action="flow.deploy",
                    target=wanted,
                    detail=f"version {number}: {message}",
                )
                return number, latest is None

            number, new = await self._store.database.write(work)
            if new:
                self._sessions.rights_changed()
            draft.row = DraftRow(**{**draft.row.model_dump(), **deployed, "deployed_version": number})
            await self._drafts.tell(draft, "")
        return {
            "path": wanted,
            "version": number,
            "left_out": left_out,
            "not_locked": not_locked,
            "draft": draft_json(draft),
        }

    async def get(self, identity: Identity, path: str) -> dict[str, Any]:
        """The latest version in Windmill's shape."""
        found = shown(await guard.flow_row(self._store, identity, "flow.read", path))
        return await marked_one(self._store.database, identity.workspace, "flow", found)

    async def schema(self, identity: Identity, path: str) -> dict[str, Any]:
        """What a run form needs: `{"schema", "summary", "description", "version", "version_id", "path", "chat", "may_…": bool}`.

        `chat` says whether the flow is a chat; `may_run`, `may_share` and `may_fork` what the identity may do with it.
        """
        version = await guard.flow_row(self._store, identity, "flow.read", path)
        flow = loads(version.document)
        return {
            "path": version.path,
            "schema": flow.get("schema") or {},
            "summary": version.summary,
            "description": flow.get("description") or "",
            "version": version.version,
            "version_id": version.id,
            "chat": (flow.get("value") or {}).get("chat_input_enabled") is True,
            "may_run": guard.may(identity, "flow.run", guard.flow_target(identity, path)),
            "may_share": guard.may(identity, "flow.share", guard.flow_target(identity, path)),
            "may_fork": guard.may(identity, "draft.create", guard.workspace_target(identity)),
        }

    async def versions(self, identity: Identity, path: str) -> list[dict[str, Any]]:
        """All versions of a flow, newest first: who deployed what, when and why."""
        require(identity, "flow.read", guard.flow_target(identity, path))
        rows = await self._store.database.read(lambda c: flows.versions(c, identity.workspace, path))
        names = ("id", "version", "summary", "message", "created_by", "created_at", "archived")
        return [{name: getattr(row, name) for name in names} for row in rows]

    async def export(self, identity: Identity, draft_id: str, file_format: str) -> Export:
        """The draft's OpenFlow document as yaml, json, or a zip of one file per script. It holds nothing of the notebook.

        Raises:
            BadRequest: another format.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        return await asyncio.to_thread(exported, draft.document.flow, draft.row.path, file_format)


def deployable(flow: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The flow without stand-in values, and what was left out, in words. The given flow is not changed."""
    copy: dict[str, Any] = loads(dumps(flow))
    left_out = []
    for place in walk(copy):
        mock = place.module.pop("mock", None)
        if isinstance(mock, Mapping) and mock.get("enabled"):
            left_out.append(f"the pinned value of {place.step_id}")
    return copy, left_out


def exported(flow: Mapping[str, Any], path: str, file_format: str) -> Export:
    """A document as a file of a format.

    Raises:
        BadRequest: the format is not yaml, json or zip.
    """
    name = path.rpartition("/")[2] or "flow"
    match file_format:
        case "yaml":
            return Export(documents.to_yaml(flow).encode(), "application/yaml", f"{name}.flow.yaml")
        case "json":
            return Export(documents.to_json(flow).encode(), "application/json", f"{name}.flow.json")
        case "zip":
            return Export(documents.to_archive(flow, name), "application/zip", f"{name}.flow.zip")
        case _:
            raise BadRequest(f"There is no export format {file_format!r}.", "Use yaml, json or zip.")


def _refuse_overwriting(latest: FlowVersionRow, path: str, base: int | None) -> None:
    if path != latest.path or base is None:
        raise PathTaken(
            f"There is already a flow at {latest.path} (version {latest.version}).",
            "Choose another path, or deploy with replace to add a version to that flow.",
        )
    if latest.version > base:
        raise NewerVersion(
            f"{latest.created_by} deployed version {latest.version} meanwhile; this draft comes from version {base}.",
            "Take that version in first (`merge`), or deploy with replace to put yours after it.",
        )


def _listed(identity: Identity, path: str, summary: str, edited_at: str, runs: list[RunRow | None]) -> dict[str, Any]:
    readable = [run for run in runs if run is not None and may_read(identity, run)]
    last = max(readable, key=lambda run: run.number, default=None)
    shown = None
    if last is not None:
        run = run_json(last)
        shown = {name: run[name] for name in ("id", "status", "number", "kind", "duration_ms")}
        shown["at"] = last.ended_at or last.started_at or last.created_at
    return {
        "path": path,
        "summary": summary,
        "draft_id": None,
        "version": None,
        "edited_at": edited_at,
        "last_run": shown,
    }
