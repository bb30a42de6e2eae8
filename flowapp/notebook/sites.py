"""The expressions of one module, by their keys within it. Nested modules are other cells and have their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowapp.notebook.trees import ByIdentity, Path
from flowapp.openflow.expressions import AFTER_RUN_FIELDS, expressions_of
from flowapp.openflow.walk import Place, id_of


@dataclass(frozen=True, slots=True)
class Site:
    """One expression of a module."""

    #: keys within the module to the expression's text
    path: Path
    #: the input field, or the setting: `iterator`, `branches/0/expr`, `skip_if`, `tools/<id>/<field>`, …
    field: str
    expr: str
    #: an input field of the cell itself, not a setting
    is_input: bool
    #: evaluated when the step itself has run, so that `result` is its own
    after_run: bool


def _find(module: Any) -> tuple[Site, ...]:
    found = []
    for expression in expressions_of(Place(module, id_of(module), "", None, "modules", 0, 0)):
        own_input = expression.is_input and expression.tool_id is None and expression.field != "tool_inputs"
        field = expression.field if expression.tool_id is None else f"tools/{expression.tool_id}/{expression.field}"
        after_run = not own_input and field in AFTER_RUN_FIELDS
        found.append(Site(_keys(module, expression.pointer), field, expression.text, own_input, after_run))
    return tuple(found)


#: The expressions of a module, remembered as long as the module is the same object.
sites_of: ByIdentity[tuple[Site, ...]] = ByIdentity(_find)


def _keys(module: Any, pointer: str) -> Path:
    """A JSON pointer as keys; whether a part is an index depends on what it points into."""
    node, keys = module, list[str | int]()
    for part in pointer.split("/")[1:]:
        key: str | int = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            key = int(key)
        node = node[key]
        keys.append(key)
    return tuple(keys)
