"""The cells of a flow as the page of a sharing link shows them: code, inputs and settings, without secrets. Pure.

Nothing that a run has given is here: stand-in values of cells are results, and are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.jsontext import dumps
from flowapp.languages import label_of
from flowapp.openflow.references import simple_path
from flowapp.openflow.walk import id_of, inputs_of, kind_of, slots, tools
from flowapp.workspace.redaction import HIDDEN, Redactor, secret_key
from flowapp.workspace.shared_settings import Setting, settings_of
from flowapp.workspace.shared_values import Budget, cut

MOST_CELLS = 300
LONGEST_CODE = 40_000
MOST_CODE = 400_000
"""Characters of code in a page: looking for secrets in more takes seconds, and whoever has a link may ask for it."""
MOST_TEXT = 300_000
"""Characters of fields, inputs and settings in a page, for the same reason; each text counts for some more."""
LONGEST_TEXT = 4000
LONGEST_NAME = 300
_KINDS = {
    "rawscript": "Script",
    "script": "Script of the workspace",
    "flow": "Flow of the workspace",
    "forloopflow": "Loop",
    "whileloopflow": "Loop",
    "branchone": "Branch",
    "branchall": "Branches",
    "identity": "Hands on its input",
    "aiagent": "AI agent",
}
_LOOKUP = re.compile(r"\s*(?:variable|resource)\(\s*(?:\"[\w/.@-]+\"|'[\w/.@-]+')\s*\)[\w.?]*\s*;?\s*")


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a cell: a fixed value, or (`wired`) the text of its expression. `block`: it needs lines of its own."""

    name: str
    text: str
    wired: bool

    @property
    def block(self) -> bool:
        """Whether the text stands on lines of its own."""
        return len(self.text) > 60 or "\n" in self.text


@dataclass(frozen=True, slots=True)
class Slot:
    """Cells inside of a cell: of a loop, of one branch (run on `condition`), the tools of an agent."""

    label: str
    condition: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell. `number` is its place in the page; `calls` the path of a script or flow in the workspace that it runs."""

    number: int
    depth: int
    step_id: str
    title: str
    kind: str
    role: str
    code: str
    code_cut: bool
    calls: str
    inputs: tuple[Input, ...]
    settings: tuple[Setting, ...]
    slots: tuple[Slot, ...]

    def all(self) -> Iterator[Cell]:
        """The cell and all that are inside of it, in order."""
        yield self
        for slot in self.slots:
            for cell in slot.cells:
                yield from cell.all()


class Cells:
    """Makes cells of modules, as many as a page holds."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._made = 0
        self._code_left = MOST_CODE
        self.budget = Budget(MOST_TEXT, redactor)
        self.cut = False

    def of(self, modules: Any, depth: int, role: str = "") -> list[Cell]:
        """The cells of a list of modules."""
        made = (
            [self._cell(each, depth, role) for each in modules if isinstance(each, dict)]
            if isinstance(modules, list)
            else []
        )
        return [cell for cell in made if cell is not None]

    def singles(self, module: Any, role: str) -> list[Cell]:
        """The cell of a module that stands outside of the lists."""
        return self.of([module], 0, role)

    def _cell(self, module: dict[str, Any], depth: int, role: str) -> Cell | None:
        if self._made >= MOST_CELLS:
            self.cut = True
            return None
        self._made += 1
        number = self._made
        value = module["value"] if isinstance(module.get("value"), Mapping) else {}
        kind, redactor = kind_of(module), self._redactor
        code = text_of(value.get("content")) if kind == "rawscript" else ""
        room = min(LONGEST_CODE, self._code_left)
        self._code_left -= min(len(code), room)
        named = kind in ("script", "flow")
        return Cell(
            number=number,
            depth=depth,
            step_id=redactor.text(id_of(module), LONGEST_NAME),
            title=redactor.text(text_of(module.get("summary")), LONGEST_TEXT) or "Untitled",
            kind=_kind_label(kind, value),
            role=role,
            code=redactor.code(code, room) if room else "",
            code_cut=len(code) > room,
            calls=redactor.text(text_of(value.get("path")), LONGEST_NAME) if named else "",
            inputs=tuple(self._inputs(module, kind, value)),
            settings=settings_of(kind, module, value, redactor, self.budget),
            slots=tuple(self._slots(module, kind, value, depth)),
        )

    def _inputs(self, module: Mapping[str, Any], kind: str, value: Mapping[str, Any]) -> Iterator[Input]:
        if kind == "forloopflow":
            yield from self._input("for each of", value.get("iterator"))
        for name, transform in inputs_of(module).items():
            yield from self._input(name, transform)
        if value.get("tool_type") == "mcp":
            yield from self._input("server", {"type": "static", "value": value.get("resource_path")})

    def _input(self, name: str, transform: Any) -> Iterator[Input]:
        redactor = self._redactor
        about = transform if isinstance(transform, Mapping) else {"type": "static", "value": transform}
        expr, fixed = about.get("expr"), cut(about.get("value"))
        wired = isinstance(expr, str) and about.get("type") != "static"
        if not self.budget.takes([name, expr if wired else fixed]):
            return
        name_shown = redactor.text(name, LONGEST_NAME)
        if isinstance(expr, str) and wired:
            text = HIDDEN if secret_key(name) and not _only_refers(expr) else redactor.code(expr.strip(), LONGEST_TEXT)
            yield Input(name_shown, text, True)
        elif about.get("type") == "ai":
            yield Input(name_shown, "The model decides.", True)
        elif fixed is not None:
            (clean,) = redactor.value({name: fixed}, limit=LONGEST_TEXT).values()
            yield Input(name_shown, shown_text(clean), False)

    def _slots(self, module: dict[str, Any], kind: str, value: Mapping[str, Any], depth: int) -> Iterator[Slot]:
        branches = value.get("branches")
        for slot, modules in slots(module).items():
            number = int(slot.removeprefix("branches/")) if slot.startswith("branches/") else -1
            branch = branches[number] if isinstance(branches, list) and number >= 0 else {}
            if (slot == "default" and not modules) or not self.budget.takes(
                [branch.get("summary"), branch.get("expr")]
            ):
                continue
            label = _slot_label(kind, slot, number, self._redactor.text(text_of(branch.get("summary")), LONGEST_TEXT))
            condition = self._redactor.code(text_of(branch.get("expr")), LONGEST_TEXT) if kind == "branchone" else ""
            yield Slot(label, condition, tuple(self.of(modules, depth + 1)))
        called = tools(module)
        if called:
            yield Slot("Tools", "", tuple(self.of(called, depth + 1)))


def _slot_label(kind: str, slot: str, number: int, summary: str) -> str:
    if slot == "default":
        return "Otherwise"
    if number < 0:
        return "Again and again" if kind == "whileloopflow" else "For each"
    return f"Branch {number + 1}{f': {summary}' if summary else ''}"


def _kind_label(kind: str, value: Mapping[str, Any]) -> str:
    if kind == "rawscript":
        return label_of(text_of(value.get("language"))) or _KINDS[kind]
    if value.get("tool_type") in ("mcp", "websearch"):
        return "Tools of an MCP server" if value["tool_type"] == "mcp" else "Web search"
    return _KINDS.get(kind, "")


def _only_refers(expr: str) -> bool:
    """Whether an expression holds no value of its own: nothing but a path, or the lookup of a variable or resource."""
    return simple_path(expr) is not None or _LOOKUP.fullmatch(expr) is not None


def shown_text(value: Any) -> str:
    """A value as people read it; those that are not short on several lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    text = dumps(value)
    return text if len(text) <= 60 else json.dumps(value, ensure_ascii=False, indent=2)


def text_of(value: Any) -> str:
    """The value if it is a text, else nothing."""
    return value if isinstance(value, str) else ""
