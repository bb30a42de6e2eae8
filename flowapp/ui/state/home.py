"""The home page: a person's flows with their last run, and the three ways to begin a new one."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.ui import services
from flowapp.ui.state.dialogs import DeletionState
from flowapp.workspace import guard, templates
from flowapp.workspace.errors import DocumentRejected


@dataclasses.dataclass
class FlowLine:
    """One flow in the list, ready to be drawn. Times are ISO 8601; the browser says them in its own zone.

    `opens` is where its title leads: its draft, or for who may have none the page of the deployed flow; "" makes a draft.
    """

    path: str
    title: str
    opens: str
    draft_href: str
    run_form_href: str
    note: str
    edited_at: str
    run_status: str
    run_at: str
    run_href: str
    deletes: str
    """What the person may delete of it: "draft", "flow", or "" for nothing."""


@dataclasses.dataclass
class TemplateLine:
    """A template to start from."""

    name: str
    title: str
    description: str
    steps: str


@dataclasses.dataclass
class ProblemLine:
    """A problem of an imported document and its place."""

    severity: str
    message: str
    hint: str
    where: str


class HomeState(DeletionState, rx.State):
    """The list and the dialogs of the home page. A flow's draft is deleted before its versions can be.

    `makes`: the person may have drafts, and so begin flows.
    """

    lines: rx.Field[list[FlowLine]] = rx.field(default_factory=list)
    templates: rx.Field[list[TemplateLine]] = rx.field(default_factory=list)
    makes: bool = True
    deletes: str = ""
    query: str = ""
    choosing: bool = False
    importing: bool = False
    busy: str = ""
    import_error: str = ""
    import_problems: rx.Field[list[ProblemLine]] = rx.field(default_factory=list)

    @rx.var
    def shown(self) -> list[FlowLine]:
        """The flows that match the search."""
        needle = self.query.strip().casefold()
        return [line for line in self.lines if needle in f"{line.title} {line.path}".casefold()]

    @rx.event
    async def enter(self) -> Any:
        """Read the list on a page that was just opened: a dialog that was open before a reload is not open any more."""
        if self._has_old_dialog():
            self.choosing, self.importing, self.deleting = False, False, ""
            self.import_error, self.import_problems = "", []
        self.busy = ""
        return await self._as_person(self._read)

    @rx.event
    async def load(self) -> Any:
        """Read the list and the templates."""
        return await self._as_person(self._read)

    @rx.event
    def search(self, query: str) -> None:
        """Narrow the list that this page already has."""
        self.query = query[:200]

    @rx.event
    def choose_template(self, opened: bool) -> None:
        """Open or close the choice of templates."""
        self.choosing = opened
        self._opens_dialog()

    @rx.event
    def open_import(self, opened: bool) -> None:
        """Open or close the import dialog, without old problems."""
        self.importing = opened
        self._opens_dialog()
        self.import_error, self.import_problems = "", []

    @rx.event
    async def new_blank(self) -> Any:
        """A draft without cells."""

        async def work(who: Identity) -> Any:
            return _open(await services.workspace().new_drafts.create(who))

        self.busy = "blank"
        answer = await self._as_person(work)
        self.busy = ""
        return answer

    @rx.event
    async def new_from_template(self, name: str) -> Any:
        """A draft with a template's cells and sample."""

        async def work(who: Identity) -> Any:
            return _open(await services.workspace().new_drafts.create(who, template=name))

        self.busy = name
        answer = await self._as_person(work)
        self.busy, self.choosing = "", False
        return answer

    @rx.event
    async def edit_deployed(self, path: str) -> Any:
        """The person's draft of a deployed flow, made if there is none."""

        async def work(who: Identity) -> Any:
            return _open(await services.workspace().new_drafts.from_deployed(who, path))

        return await self._as_person(work)

    @rx.event
    async def import_text(self, form: dict[str, Any]) -> Any:
        """A draft from OpenFlow YAML or JSON, or a zip archive in base64; what is wrong with it is listed with its places."""

        async def work(who: Identity) -> Any:
            return await self._import(who, str(form.get("text") or ""), _bytes(str(form.get("archive") or "")))

        self.busy = "import"
        answer = await self._as_person(work)
        self.busy = ""
        if self.problem and self.importing:
            self.import_error, self.problem = f"{self.problem} {self.hint}".strip(), ""
        return answer

    async def _users(self, who: Identity, name: str) -> list[str]:
        await self._read(who)  # a draft may have come or gone since the page was read
        self.deletes = next((line.deletes for line in self.lines if line.path == name), "")
        return await services.workspace().usages.of(who, "flow", name) if self.deletes == "flow" else []

    async def _remove(self, who: Identity, name: str) -> None:
        if self.deletes == "flow":
            await services.workspace().stored_flows.delete(who, name)
        elif line := next((line for line in self.lines if line.path == name and line.draft_href), None):
            await services.workspace().drafts.delete(who, line.draft_href.rpartition("/")[2])

    async def _read(self, who: Identity) -> None:
        self.makes = guard.may(who, "draft.create", guard.workspace_target(who))
        self.lines = [flow_line(flow, self.makes) for flow in await services.workspace().flows.listing(who)]
        self.templates = [template_line(one.to_json()) for one in await templates.all_templates()]
        self.loaded = True

    async def _import(self, who: Identity, text: str, archive: bytes) -> Any:
        self.import_error, self.import_problems = "", []
        if archive:
            text = ""  # the page empties it when an archive is chosen
        elif not text.strip():
            self.import_error = "Paste a flow or choose a file first."
            return None
        try:
            return _open(await services.workspace().new_drafts.create(who, text=text, archive=archive))
        except DocumentRejected as error:
            self.import_problems = problem_lines(error.problems)
            # the sentence repeats the first problem, which stands in the list below it with its place
            self.import_error = "The document cannot be imported." if self.import_problems else error.message
            return None


def _open(draft: Mapping[str, Any]) -> Any:
    return rx.redirect(f"/flows/{draft['id']}")


def _bytes(base64_text: str) -> bytes:
    """The bytes that the page sent; what is no base64 is no archive either, and is refused as such."""
    try:
        return base64.b64decode(base64_text, validate=True)
    except binascii.Error:
        return base64_text.encode()


def flow_line(flow: Mapping[str, Any], makes: bool = True) -> FlowLine:
    """A flow of `workspace.flows.listing` as a line, for who `makes` drafts or not; an address is "" where there is none."""
    run = flow.get("last_run") or {}
    version, draft = flow.get("version"), flow.get("draft_id")
    note = f"Version {version}" if version else "Draft, not deployed"
    page = f"/run/{flow['path']}" if version else ""
    return FlowLine(
        path=str(flow["path"]),
        title=str(flow.get("summary") or "Untitled"),
        opens=f"/flows/{draft}" if draft else "" if makes else page,
        draft_href=f"/flows/{draft}" if draft else "",
        run_form_href=page if flow.get("may_run", True) else "",
        note=f"{note}, draft open" if version and draft else note,
        edited_at=str(flow.get("edited_at") or ""),
        run_status=str(run.get("status") or ""),
        run_at=str(run.get("at") or ""),
        run_href=f"/runs/{run['id']}" if run.get("id") else "",
        deletes="draft" if draft else "flow" if flow.get("may_delete") else "",
    )


def template_line(template: Mapping[str, Any]) -> TemplateLine:
    """A template as a card."""
    steps = int(template.get("steps") or 0)
    return TemplateLine(
        name=str(template["name"]),
        title=str(template.get("title") or template["name"]),
        description=str(template.get("description") or ""),
        steps="1 cell" if steps == 1 else f"{steps} cells",
    )


def problem_lines(problems: Iterable[Mapping[str, Any]], most: int = 100) -> list[ProblemLine]:
    """Problems of a document as lines; at most `most`, and a last line that counts the rest."""
    listed = list(problems)
    lines = [
        ProblemLine(
            severity=str(one.get("severity") or "error"),
            message=str(one.get("message") or ""),
            hint=str(one.get("hint") or ""),
            where=_place(one),
        )
        for one in listed[:most]
    ]
    if len(listed) > most:
        lines.append(ProblemLine("warning", f"{len(listed) - most} more problems.", "", ""))
    return lines


def _place(problem: Mapping[str, Any]) -> str:
    parts = []
    if problem.get("line"):
        parts.append(f"line {problem['line']}")
    if problem.get("step_id"):
        parts.append(f"step {problem['step_id']}")
    if problem.get("field"):
        parts.append(f"field {problem['field']}")
    if problem.get("pointer"):
        parts.append(str(problem["pointer"]))
    return " · ".join(parts)
