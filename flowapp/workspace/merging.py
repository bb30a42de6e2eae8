"""A draft and a version that somebody deployed after the one it comes from: compared, and brought together in the draft.

Nothing is deployed here. What is taken in is one edit of the draft, which undo takes back, and then the draft is again one that
does not hold that version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import loads
from flowapp.notebook.document import CellId, Document, StepId
from flowapp.notebook.operations.types import Nested, Operation, ReplaceFlow, TakeIn
from flowapp.notebook.operations.whole import taken_in_label
from flowapp.openflow.merge import ABSENT, Choice, Conflict, Difference, Merge, Part, Taken, merge
from flowapp.openflow.walk import step_ids
from flowapp.store import flows
from flowapp.store.stores import Store
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace import guard, step_names
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest, MergeOutdated
from flowapp.workspace.new_drafts import EMPTY_FLOW, new_cell_id, read_document
from flowapp.workspace.open_drafts import OpenDraft

_MADE_BY_CODE = "schema"
"""What lies beside a cell and was read from its code."""


@dataclass(frozen=True, slots=True)
class _Versions:
    """The version that a draft comes from (None when it is gone), the newest one, and which of its steps the draft's cells are."""

    base: FlowVersionRow | None
    newest: FlowVersionRow
    #: what cells of the draft are called in the newest one
    names: Mapping[CellId, StepId]


class Merging:
    """Use-cases about a draft that is behind its flow."""

    def __init__(self, store: Store, open_drafts: Drafts) -> None:
        self._store = store
        self._drafts = open_drafts

    async def look(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"draft_version", "base", "theirs", "conflicts", "taken"}`; `theirs` is None when the draft is not behind.

        `base` is the number of the version that the draft comes from, `theirs` is `{"version", "by", "at", "message"}`.
        A conflict is `{"id", "kind", "name", "title", "theirs", "mine", "differences", "choices"}`; of a difference `base`,
        `theirs` and `mine` are missing where there is no such thing.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        versions = await self._versions(identity, draft)
        document, at_version = draft.document, draft.row.version
        shown: dict[str, Any] = {"draft_version": at_version, "base": draft.base_version, "theirs": None}
        if versions is None:
            return {**shown, "conflicts": [], "taken": []}
        found = await asyncio.to_thread(_merged, versions, document, {})
        newest = versions.newest
        return {
            **shown,
            "theirs": {
                "version": newest.version,
                "by": newest.created_by,
                "at": newest.created_at,
                "message": newest.message,
            },
            "conflicts": [_conflict_json(conflict) for conflict in found.conflicts],
            "taken": [_taken_json(taken) for taken in found.taken],
        }

    async def take_in(
        self, identity: Identity, draft_id: str, body: Mapping[str, Any], client: str = ""
    ) -> dict[str, Any]:
        """Make the draft what it and the newest version are together; returns the Change.

        `body`: `{"version", "draft_version", "choices": {conflict: "theirs" | "mine" | "both"}}`, as `look` told them.

        Raises:
            MergeOutdated: there is another newest version, or the draft is another one.
            BadRequest: a conflict is not decided, or not so.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        version, draft_version = (_number(body, name) for name in ("version", "draft_version"))
        versions = await self._versions(identity, draft)
        if versions is None or versions.newest.version != version:
            raise MergeOutdated("There is another version of the flow by now.", "Compare again, then decide.")
        document = draft.document
        if draft.row.version != draft_version:
            raise _draft_changed()
        choices = {} if body.get("choices") is None else body["choices"]
        if not isinstance(choices, dict):
            raise BadRequest("choices must be an object: the id of each conflict and whose side to take.")
        found = await asyncio.to_thread(_merged, versions, document, choices)
        require_decided(found, choices)

        def operations() -> list[Operation]:
            if draft.row.version != draft_version:
                raise _draft_changed()
            own = sum(1 for taken in found.taken if taken.side == "mine")
            kept = sum(1 for conflict in found.conflicts if choices[conflict.id] != "theirs")
            return _operations(draft, found, versions, draft_version + 1 - own - kept)

        return await self._drafts.apply_made(identity, draft_id, operations, client)

    async def _versions(self, identity: Identity, draft: OpenDraft) -> _Versions | None:
        """The versions to compare with; None when nothing newer is deployed than what the draft holds."""
        path, base = draft.row.path, draft.base_version
        require(identity, "flow.read", guard.flow_target(identity, path))
        if base is None:
            return None

        def read(connection: Connection) -> _Versions | None:
            newest = flows.latest(connection, identity.workspace, path)
            if newest is None or newest.version <= base:
                return None
            before = flows.version(connection, identity.workspace, path, base)
            return _Versions(before, newest, step_names.present_names(connection, draft))

        return await self._store.database.read(read)


def require_decided(found: Merge, choices: Mapping[str, Any]) -> None:
    """Refuse a merge of which something is not decided.

    Raises:
        BadRequest: `choices` lacks a conflict, names none, or has another word than it offers.
    """
    known = {conflict.id: conflict for conflict in found.conflicts}
    if unknown := sorted(choices.keys() - known.keys()):
        raise BadRequest(f"There is no conflict {unknown[0][:80]!r}.", "Compare again, then decide.")
    for conflict in found.conflicts:
        if conflict.id not in choices:
            raise BadRequest(f"The conflict {conflict.id!r} is not decided.", "Choose a side for each of them.")
        if choices[conflict.id] not in conflict.choices:
            raise BadRequest(f"{conflict.id!r} can be decided as one of: {', '.join(conflict.choices)}.")


def _merged(versions: _Versions, document: Document, choices: Mapping[str, Choice]) -> Merge:
    base = EMPTY_FLOW if versions.base is None else _flow(versions.base)
    return merge(base, _flow(versions.newest), document.flow, choices)


def _flow(version: FlowVersionRow) -> dict[str, Any]:
    """The document of a version as a draft of it would have it."""
    return read_document(None, version.document).flow


def _operations(draft: OpenDraft, found: Merge, versions: _Versions, since: int) -> list[Operation]:
    """The edit. Steps of the draft keep their cells with what lies beside them, under their new name too."""
    document = draft.document
    outcome = Document.of(found.flow, lambda: "")
    nested: dict[str, Nested] = {}
    for entry in document.outline.entries:
        step = found.renamed.get(entry.step_id, entry.step_id)
        if step in outcome.cells:
            now = outcome.outline.by_step[step].module["value"].get("content")
            left_out = set() if now == entry.module["value"].get("content") else {_MADE_BY_CODE}
            about = {key: item for key, item in document.about(entry.cell).items() if key not in left_out}
            nested[step] = Nested(entry.cell, about)
    for step in outcome.cells.keys() - nested.keys():
        nested[step] = Nested(new_cell_id())
    version = versions.newest.version
    steps = _held(versions, {step: nested[step].cell for step in outcome.cells})
    about = {"path": draft.row.path, "version": version, "since": since, "steps": steps}
    return [ReplaceFlow(found.flow, new_cell_id(), taken_in_label(version), nested), TakeIn(about)]


def _held(versions: _Versions, cells: Mapping[StepId, CellId]) -> dict[CellId, StepId]:
    """What the cells (by step) of the outcome are called in the newest version: as before, or as the step that came with it."""
    theirs = step_ids(loads(versions.newest.document))
    held = {cell: step for cell, step in versions.names.items() if step in theirs}
    known = set(held.values())
    new = {cell: step for step, cell in cells.items() if cell not in held and step in theirs and step not in known}
    return held | new


def _draft_changed() -> MergeOutdated:
    return MergeOutdated("The draft was edited meanwhile.", "Compare again, then decide.")


def _number(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest(f"{name} must be a number.", "Send what the comparison answered.")
    return value


def _conflict_json(conflict: Conflict) -> dict[str, Any]:
    names = ("id", "kind", "name", "title", "theirs", "mine")
    differences = [_difference_json(difference) for difference in conflict.differences]
    return {
        **{name: getattr(conflict, name) for name in names},
        "differences": differences,
        "choices": list(conflict.choices),
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    sides = (("base", difference.base), ("theirs", difference.theirs), ("mine", difference.mine))
    return {
        **_part_json(difference.part),
        "where": difference.where,
        **{side: _plain(difference.part, value) for side, value in sides if value is not ABSENT},
    }


def _plain(part: Part, value: Any) -> Any:
    """A side as JSON; of a whole thing, that is its parts."""
    if part.kind == "there":
        return [{**_part_json(one), "value": item} for one, item in value.items()]
    return list(value) if isinstance(value, tuple) else value


def _part_json(part: Part) -> dict[str, str]:
    return {"part": part.kind, "field": part.name}


def _taken_json(taken: Taken) -> dict[str, Any]:
    names = ("kind", "name", "title", "side")
    return {**{name: getattr(taken, name) for name in names}, "what": [_part_json(part) for part in taken.what]}
