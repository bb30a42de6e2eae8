"""A Jupyter notebook as a flow: each code cell a Python step, wired by the names that it reads and others define. Pure.

In Jupyter all cells share one memory; steps only share JSON values. So a step gets what it reads as parameters, and returns what later
ones read. Imports and definitions of functions and classes are no values: they are repeated in the steps that need them. Text cells
become notes. What cannot be taken over is said in a note at the top.
"""

from __future__ import annotations

import ast
import io
import re
import symtable
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowapp.notebook.document import CellId, Document
from flowapp.notebook.errors import DocumentUnusable, Rejected
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations.types import InsertNote, Operation
from flowapp.openflow.walk import new_step_id

_MAGIC = re.compile(r"^(\s*)([%!].*)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$")
_MOST_CELLS = 500


@dataclass(slots=True)
class _Code:
    """A code cell taken apart: what it reads from others, what it gives them, and its statements."""

    source: str
    title: str
    needs: list[str] = field(default_factory=list)
    gives: list[str] = field(default_factory=list)
    #: values that it changes in place, if they are values
    changes: list[str] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    #: function or class → its source and the names that it reads
    definitions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    body: str = ""
    value: str = ""
    problem: str = ""
    #: waits for something outside of its functions, as Jupyter allows
    waits: bool = False


def is_jupyter(found: Any) -> bool:
    """Whether a JSON value is a Jupyter notebook."""
    return isinstance(found, Mapping) and "nbformat" in found and isinstance(found.get("cells"), list)


def from_jupyter(notebook: Mapping[str, Any], new_id: Callable[[], CellId]) -> Document:
    """The notebook document of a Jupyter notebook (format 4).

    Raises:
        DocumentUnusable: it is of another language, or has too many cells.
    """
    about = _object(notebook.get("metadata"))
    told = _object(about.get("language_info")).get("name") or _object(about.get("kernelspec")).get("language")
    language = str(told or "python")
    if not language.lower().startswith(("python", "ipython")):
        raise DocumentUnusable(
            f"The notebook is written in {language}.", "Only Jupyter notebooks in Python can be imported."
        )
    cells = [cell for cell in notebook["cells"] if isinstance(cell, Mapping) and _source(cell).strip()]
    if len(cells) > _MOST_CELLS:
        raise DocumentUnusable(f"The notebook has {len(cells)} cells.", f"At most {_MOST_CELLS} can be imported.")
    codes, notes = _read(cells)
    modules, said = _modules(codes)
    flow = {"summary": "", "value": {"modules": modules}, "schema": {"type": "object", "properties": {}, "order": []}}
    document = Document.of(flow, new_id)
    ids = [document.outline.by_step[module["id"]].cell for module in modules]
    if said:
        notes.insert(0, (None, "Imported from Jupyter. " + " ".join(said)))
    inserted: list[Operation] = [
        InsertNote(f"jupyter-{number}", None if after is None else ids[after], text)
        for number, (after, text) in enumerate(notes)
    ]
    result = apply_all(document, inserted)
    if isinstance(result, Rejected):
        raise DocumentUnusable(result.message, result.hint)
    return result.document


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source")
    return "".join(str(line) for line in source) if isinstance(source, list) else str(source or "")


def _read(cells: Sequence[Mapping[str, Any]]) -> tuple[list[_Code], list[tuple[int | None, str]]]:
    """The code cells, and the texts with the number of the code cell that they come after (None: at the top)."""
    codes: list[_Code] = []
    notes: list[tuple[int | None, str]] = []
    title = ""
    for cell in cells:
        source = _source(cell).strip("\n")
        if cell.get("cell_type") == "code":
            codes.append(_taken_apart(source, title))
            title = ""
            continue
        heading = _HEADING.fullmatch(source.strip())
        title = heading.group(1)[:120] if heading else ""
        if not heading:
            notes.append((len(codes) - 1 if codes else None, source))
    return codes, notes


def _taken_apart(source: str, title: str) -> _Code:
    plain = _MAGIC.sub(r"\1# \2", source)
    if _analysed(found := _Code(source, title)):  # as it is: a line of Python may begin with % too
        return found
    if plain != source and _analysed(found := _Code(plain, title, problem="magic")):
        return found
    return _Code(source, title, problem="syntax")


def _analysed(code: _Code) -> bool:
    """Fill in what a cell reads, gives and consists of; False where it is no Python that can be read."""
    try:
        _analyse(code, ast.parse(code.source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _analyse(code: _Code, tree: ast.Module) -> None:
    plain = code.source
    defined: set[str] = set()
    for statement in tree.body:
        reads, writes = _names(statement)
        code.needs += [name for name in reads if name not in defined and name not in code.needs]
        defined |= writes
        text = ast.get_source_segment(plain, statement) or ""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            code.imports |= {name: text for name in writes}
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            code.definitions[statement.name] = (
                _whole(plain, statement),
                [name for name in reads if name != statement.name],
            )
    changed = {name for statement in tree.body for name in _changed(statement)}
    code.gives = sorted(defined - code.imports.keys() - code.definitions.keys())
    code.changes = sorted(changed - defined)
    code.body, code.value = _split(plain, tree)
    code.waits = any(isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for node in _own_nodes(tree))


def _own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those inside of functions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _names(statement: ast.stmt) -> tuple[list[str], set[str]]:
    """The names that a statement reads from outside of itself, and those that it binds."""
    table = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    reads = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        reads |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global() and symbol.is_referenced()}
        waiting += inner.get_children()
    writes = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    reads |= {
        node.target.id
        for node in ast.walk(statement)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    bound_before = writes if isinstance(statement, ast.Import | ast.ImportFrom | ast.For | ast.With) else set()
    return sorted(reads - bound_before), writes


def _changed(statement: ast.stmt) -> set[str]:
    """Names of values that a statement changes in place: `rows.append(x)`, `totals[k] = v`."""
    found: set[str] = set()
    for node in ast.walk(statement):
        places: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            places = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            places = [node.target]
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            places = [node.value.func]
        for place in places:
            while isinstance(place, ast.Subscript | ast.Attribute):
                place = place.value
                if isinstance(place, ast.Name):
                    found.add(place.id)
    return found


def _split(source: str, tree: ast.Module) -> tuple[str, str]:
    """The statements without the imports, and the expression at the end whose value Jupyter shows."""
    lines = source.splitlines()
    last = tree.body[-1] if tree.body else None
    value = ""
    if isinstance(last, ast.Expr) and last.col_offset == 0 and not source.rstrip().endswith(";"):
        value = "\n".join(lines[last.lineno - 1 :]).strip()
        lines = lines[: last.lineno - 1]
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom) and statement.col_offset == 0:
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                if number < len(lines) and ";" not in lines[number]:
                    lines[number] = ""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n"), value


def _whole(source: str, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    """A definition with its decorators."""
    first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
    return "\n".join(source.splitlines()[first - 1 : statement.end_lineno])


def _modules(codes: Sequence[_Code]) -> tuple[list[dict[str, Any]], list[str]]:
    """The modules, and what is to be said of the import."""
    imports: dict[str, str] = {}
    definitions: dict[str, tuple[str, list[str]]] = {}
    values: dict[str, str] = {}
    modules: list[dict[str, Any]] = []
    ids: frozenset[str] = frozenset()
    for number, code in enumerate(codes):
        step = new_step_id(ids)
        ids |= {step}
        code.gives += [name for name in code.changes if name in values]
        later = _wanted(codes[number + 1 :], definitions | code.definitions)
        modules.append(_module(step, code, imports, definitions, values, later))
        imports |= code.imports
        definitions |= code.definitions
        for name in code.gives:
            values[name] = step
            imports.pop(name, None)
            definitions.pop(name, None)
    said = []
    if any(code.problem == "magic" for code in codes):
        said.append("Lines that begin with % or ! mean something in Jupyter only: they are comments now.")
    if any(code.problem == "syntax" for code in codes):
        said.append(
            "Some cells are no Python that could be read: they are taken over as they were, and have no function main yet."
        )
    return modules, said


def _wanted(codes: Sequence[_Code], definitions: Mapping[str, tuple[str, list[str]]]) -> set[str]:
    """All names that later cells read, also through the definitions that they use."""
    found: set[str] = set()
    known = dict(definitions)
    for code in codes:
        known |= code.definitions
        found |= set(code.needs)
    for name in list(found):
        found |= set(_closure([name], known))
    return found


def _closure(names: Sequence[str], definitions: Mapping[str, tuple[str, list[str]]]) -> list[str]:
    """The names, and those that the definitions among them read, in an order in which they can be written down."""
    found: list[str] = []

    def add(name: str, path: frozenset[str]) -> None:
        if name in found or name in path:
            return
        for inner in definitions[name][1] if name in definitions else ():
            add(inner, path | {name})
        found.append(name)

    for name in names:
        add(name, frozenset())
    return found


def _module(
    step: str,
    code: _Code,
    imports: Mapping[str, str],
    definitions: Mapping[str, tuple[str, list[str]]],
    values: Mapping[str, str],
    later: set[str],
) -> dict[str, Any]:
    needs = _closure(code.needs, definitions)
    inputs = [name for name in needs if name in values and name not in imports and name not in definitions]
    gives = [name for name in code.gives if name in later]
    wires = {name: {"type": "javascript", "expr": f"results.{values[name]}.{name}"} for name in inputs}
    content = code.source + "\n"
    if code.problem != "syntax":
        repeated = [imports[name] for name in needs if name in imports]
        copied = [definitions[name][0] for name in needs if name in definitions]
        content = _content(code, [*code.imports.values(), *repeated], copied, inputs, gives)
    value = {"type": "rawscript", "language": "python3", "content": content, "input_transforms": wires}
    return {"id": step, "summary": code.title, "value": value}


def _content(code: _Code, imports: list[str], copied: list[str], inputs: list[str], gives: list[str]) -> str:
    """The text of a step: imports, then a function main with what the cell did."""
    ending = f"return {code.value}" if code.value else "return None"
    if gives:
        items = [f'"{name}": {name}' for name in gives]
        first = ['"result": result'] if code.value else []
        ending = f"return {{{', '.join([*first, *items])}}}"
        if code.value:
            ending = f"result = {code.value}\n{ending}"
    body = "\n\n".join(part for part in [*copied, code.body] if part.strip())
    head = "\n".join(dict.fromkeys(imports))
    text = _indented(f"{body}\n{ending}" if body else ending)
    return f"{head}\n\n\n" * bool(head) + f"{'async ' * code.waits}def main({', '.join(inputs)}):\n{text}\n"


def _indented(source: str) -> str:
    """The source one level deeper; lines inside of a long text stay where they are."""
    inside: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.STRING:
                inside |= set(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError):
        inside = set()
    lines = source.splitlines()
    return "\n".join(
        line if number in inside or not line.strip() else f"    {line}" for number, line in enumerate(lines, 1)
    )
