"""New drafts: empty, from a template, or from an OpenFlow document. What is not a valid document is not stored at all."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import loads
from flowapp.notebook.document import Document
from flowapp.notebook.errors import DocumentUnusable, Rejected
from flowapp.notebook.jupyter import from_jupyter, is_jupyter
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations.types import InsertNote
from flowapp.openflow import documents
from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.models import OpenFlow
from flowapp.openflow.problems import Problem
from flowapp.openflow.stored_names import mentions
from flowapp.signatures import lint
from flowapp.store import audit, drafts, flows
from flowapp.store.clock import now
from flowapp.store.tables import DraftRow
from flowapp.workspace import flow_paths, guard, templates
from flowapp.workspace.blob_guard import require_known
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, DocumentRejected, PathTaken
from flowapp.workspace.inputs import Inputs
from flowapp.workspace.step_names import held_text

EMPTY_FLOW: Mapping[str, Any] = {
    "summary": "",
    "value": {"modules": []},
    "schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {},
        "required": [],
        "order": [],
    },
}


class NewDrafts:
    """The use-case of beginning a notebook."""

    def __init__(self, context: Context, inputs: Inputs) -> None:
        self._store = context.store
        self._inputs = inputs

    async def create(
        self,
        identity: Identity,
        *,
        path: str = "",
        summary: str = "",
        template: str = "",
        flow: Any = None,
        text: str = "",
        archive: bytes = b"",
    ) -> dict[str, str]:
        """Make a draft and return `{"id", "path"}`.

        At most one of `template`, `flow` (JSON), `text` (YAML or JSON) and `archive` (a zip of the flow's folder).

        Raises:
            DocumentRejected: the document has problems; nothing is stored.
            PathInvalid, PathTaken: `path` cannot be used.
            NotFound: there is no such template.
        """
        require(identity, "draft.create", guard.workspace_target(identity))
        if sum(1 for given in (template, flow is not None, text, archive) if given) > 1:
            raise BadRequest("Give one of template, flow, text and archive.")
        title = summary
        if template:
            document, suggestion = await self._from_template(template)
            title = title or suggestion
        else:
            document = await asyncio.to_thread(read_document, flow, text, archive)
            await require_known(self._store.database, identity.workspace, document.flow)
        if summary:
            document = replace(document, flow={**document.flow, "summary": summary})
        title = title or str(document.flow.get("summary") or "")
        return await self.store_new(identity, document, path, title)

    async def templates(self, identity: Identity) -> list[dict[str, Any]]:
        """The templates, in their order."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        return [template.to_json() for template in await templates.all_templates()]

    async def from_deployed(self, identity: Identity, path: str) -> dict[str, str]:
        """A draft of the latest deployed version of a flow, or the draft of it that one has already."""
        require(identity, "draft.create", guard.workspace_target(identity))
        version = await guard.flow_row(self._store, identity, "flow.read", path)
        rows = await self._store.database.read(lambda c: drafts.list_of(c, identity.workspace, identity.username))
        mine = next((row for row in rows if row.path == path), None)
        if mine is not None:
            return {"id": mine.id, "path": mine.path}
        document = await asyncio.to_thread(read_document, None, version.document)
        return await self.store_new(identity, document, path, version.summary, deployed=version.version)

    async def fork(self, identity: Identity, path: str) -> dict[str, Any]:
        """A draft under `u/<person>/…` of the latest deployed version of a flow, which stays as it is: `{"id", "path", "names"}`.

        What the flow names of variables and resources, of which there are `names`, is named by the draft too, whether the
        person may use it or not.
        """
        require(identity, "draft.create", guard.workspace_target(identity))
        version = await guard.flow_row(self._store, identity, "flow.read", path)
        document = await asyncio.to_thread(read_document, None, version.document)
        name = path.rpartition("/")[2]
        note = f"forked from {path}, version {version.version}"
        made = await self.store_new(identity, document, "", name, note=note)
        names = {mention.name for mention in await asyncio.to_thread(mentions, document.flow)}
        return {**made, "names": len(names)}

    async def _from_template(self, name: str) -> tuple[Document, str]:
        found = await templates.template(name)
        if found is None:
            raise missing("template")
        document = await asyncio.to_thread(read_document, found.flow, "")
        sample: dict[str, Any] = {}
        for field, value in found.sample.items():
            if isinstance(value, Mapping) and "$file" in value:
                file_name, media_type = str(value["$file"]), str(value.get("media_type") or "text/csv")
                content = await asyncio.to_thread(templates.asset, file_name)
                value = await self._inputs.stored_text(content, media_type=media_type, file_name=file_name)
            sample[field] = value
        by_step = document.outline.by_step
        beside = {by_step[step].cell: about for step, about in found.beside.items() if step in by_step}
        document = replace(document, sample=sample, beside={**document.beside, **beside})
        return _with_notes(document, found), found.path.rpartition("/")[2]

    async def store_new(
        self,
        identity: Identity,
        document: Document,
        path: str,
        title: str,
        deployed: int | None = None,
        records: Callable[[Connection], Mapping[str, str]] | None = None,
        note: str = "",
    ) -> dict[str, str]:
        """Store a document as a draft of `identity`: `{"id", "path"}`.

        Args:
            identity: whose draft it is.
            document: the notebook.
            path: where it is to be deployed; empty for a free path after `title`.
            title: what a free path is named after.
            deployed: the version of the flow at `path` that the document is.
            records: what its cells last did (JSON text by cell id), read in the same transaction.
            note: what the audit trail says of it.

        Raises:
            PathInvalid, PathTaken: `path` cannot be used.
        """
        asked = flow_paths.checked(path) if path else ""
        if asked:
            require(identity, "flow.read", guard.flow_target(identity, asked))
        draft_id, at, text = str(uuid.uuid4()), now(), document.to_json()

        def work(connection: Connection) -> str:
            taken = drafts.paths(connection, identity.workspace)
            if deployed is None:
                taken |= {row.path for row in flows.list_latest(connection, identity.workspace)}
                if asked in taken:
                    raise PathTaken(f"There is already a flow at {asked}.", "Choose another path.")
            chosen = asked or flow_paths.suggested(identity.username, title, taken)
            row = DraftRow(
                id=draft_id,
                workspace=identity.workspace,
                owner=identity.username,
                path=chosen,
                summary=str(document.flow.get("summary") or "")[:500],
                document=text,
                version=1,
                deployed_version=deployed,
                deployed_at_version=1 if deployed else 0,
                deployed_steps=held_text(document) if deployed else None,
                created_at=at,
                saved_at=at,
            )
            drafts.create(connection, row)
            if records is not None:
                drafts.put_records(connection, draft_id, records(connection), at)
            by, action = identity.username, "draft.create"
            audit.add(connection, workspace=row.workspace, by=by, action=action, target=chosen, detail=note)
            return chosen

        return {"id": draft_id, "path": await self._store.database.write(work)}


def read_document(flow: Any, text: str, archive: bytes = b"") -> Document:
    """The notebook document of an OpenFlow given as JSON value, text or zip archive; an empty one when none is given.

    Raises:
        DocumentRejected: it is not a valid OpenFlow document.
    """
    if flow is None and not text.strip() and not archive:
        return Document.of(EMPTY_FLOW, new_cell_id)
    if (notebook := _jupyter(flow, text)) is not None:
        try:
            return from_jupyter(notebook, new_cell_id)
        except DocumentUnusable as error:
            raise DocumentRejected(f"The notebook cannot be imported: {error.message}", error.hint, []) from None
    try:
        parsed = _parsed(flow, text, archive)
    except DocumentInvalid as error:
        raise _rejected(error.problems) from None
    plain = documents.dump(parsed)
    try:
        return Document.of(plain, new_cell_id)
    except DocumentUnusable as error:
        problems = [problem for problem in lint(plain) if problem.severity == "error"]
        raise _rejected(problems, error.message) from None


def _jupyter(flow: Any, text: str) -> Mapping[str, Any] | None:
    """What was given, if it is a Jupyter notebook."""
    if flow is None and '"nbformat"' in text and text.lstrip().startswith("{"):
        with contextlib.suppress(ValueError):
            flow = loads(text)
    return flow if is_jupyter(flow) else None


def _parsed(flow: Any, text: str, archive: bytes) -> OpenFlow:
    if archive:
        return documents.from_archive(archive)
    return documents.read_text(text) if flow is None else documents.parse(flow)


def _with_notes(document: Document, template: templates.Template) -> Document:
    by_step = document.outline.by_step
    written = [
        InsertNote(f"{template.name}-{number}", by_step[note.after].cell if note.after else None, note.text)
        for number, note in enumerate(template.notes)
    ]
    result = apply_all(document, written)
    assert not isinstance(result, Rejected), "our own templates"
    return result.document


def new_cell_id() -> str:
    """An id for a cell."""
    return f"c{secrets.token_hex(6)}"


def _rejected(problems: list[Problem], message: str = "") -> DocumentRejected:
    count = len(problems)
    said = message or (problems[0].message if problems else "It is not an OpenFlow document.")
    more = f" ({count} problems)" if count > 1 else ""
    return DocumentRejected(
        f"The document cannot be imported{more}: {said}",
        (problems[0].hint if problems else "") or "Nothing was stored. Correct the document and import it again.",
        [problem.to_json() for problem in problems],
    )
