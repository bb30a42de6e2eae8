"""What a Python script needs: packages, by its imports or by what it says itself, and scripts of the workspace.

A script names its packages in a PEP 723 block, or in comments, one requirement a line:

    # requirements:             only these, whatever it imports
    # extra_requirements:       these, and those of its imports

Without either, each import that neither the standard library nor the job's Python has stands for the package of that name,
or for the one that import_names.txt tells. `import x  # pin: package==1` names it on the spot. Imports in `try` with
`except ImportError` are optional and stand for nothing; those below `if TYPE_CHECKING` neither.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.script_imports import ROOTS, ScriptImport

#: imports below these are packages of their own, named by so many parts of the import
NAMESPACES = {
    "azure": 3,
    "backports": 2,
    "google.cloud": 3,
    "jaraco": 2,
    "ruamel": 2,
    "zope": 2,
}
_GOOGLE = {
    "api_core": "google-api-core",
    "auth": "google-auth",
    "genai": "google-genai",
    "generativeai": "google-generativeai",
    "oauth2": "google-auth",
    "protobuf": "protobuf",
}
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_COMMENT = re.compile(r"^#\s*(?P<kind>extra_requirements|requirements):\s*(?P<rest>.*)$")
_PIN = re.compile(r"#\s*(?:pin|repin):\s*(?P<requirement>\S.*)$")
_TABLE = Path(__file__).with_name("import_names.txt")
_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


@dataclass(frozen=True, slots=True)
class PythonNeeds:
    """Requirements (PEP 508), sorted; the line of the import that each guessed one comes from; scripts; and the imports
    of other modules, whose packages can be loaded ahead of time.
    """

    requirements: tuple[str, ...] = ()
    guessed: dict[str, int] = field(default_factory=dict)
    scripts: tuple[ScriptImport, ...] = ()
    modules: tuple[str, ...] = ()


@lru_cache(maxsize=512)
def needs_of(code: str, base: str = "", provided: frozenset[str] = frozenset()) -> PythonNeeds:
    """What a script needs. Code that cannot be parsed needs nothing: its error comes when it runs.

    Args:
        code: the script.
        base: its own path (`f/folder/name`), from which relative imports start.
        provided: top-level names that the job's Python has without any package of the script's own.

    Raises:
        PackagesUnavailable: a requirement in it is none, or one that only the server's operator may make.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return PythonNeeds()
    lines = code.splitlines()
    imports = [found for node in _unconditional(tree) for found in _imports(node, lines)]
    scripts = tuple(script for node in _unconditional(tree) for script in _scripts(node, base))
    known = provided | sys.stdlib_module_names | frozenset(ROOTS) | {"__future__"}
    foreign = [found for found in imports if found.root not in known]
    modules = tuple(sorted({found.root for found in imports if found.root not in ROOTS and found.root != "__future__"}))
    named, is_all = _named(code, lines)
    guessed: dict[str, int] = {}
    wanted = set(named)
    for found in [] if is_all else foreign:
        requirement = found.pin or package_of(found.dotted)
        wanted.add(checked(requirement, found.line))
        if not found.pin:
            guessed.setdefault(requirement, found.line)
    return PythonNeeds(tuple(sorted(wanted)), guessed, scripts, modules)


@dataclass(frozen=True, slots=True)
class _Import:
    dotted: tuple[str, ...]
    line: int
    pin: str

    @property
    def root(self) -> str:
        return self.dotted[0]


def _unconditional(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a tree, without optional ones and those for type checkers."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.Try) and any(_catches_imports(handler) for handler in node.handlers):
            waiting += [*node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in _CAUGHT for name in caught)


def _imports(node: ast.Import | ast.ImportFrom, lines: list[str]) -> Iterator[_Import]:
    """The absolute imports of a statement, each as long as it may matter for a namespace."""
    last = (node.end_lineno or node.lineno) - 1
    found = _PIN.search(lines[last]) if last < len(lines) else None
    pin = found["requirement"].strip() if found else ""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield _Import(tuple(alias.name.split(".")), node.lineno, pin)
    elif node.level == 0 and node.module:
        for alias in node.names:
            yield _Import((*node.module.split("."), alias.name), node.lineno, pin)


def _scripts(node: ast.Import | ast.ImportFrom, base: str) -> Iterator[ScriptImport]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            parts = alias.name.split(".")
            if parts[0] in ROOTS:
                yield ScriptImport(("/".join(parts),), node.lineno)
        return
    start = node.module.split(".") if node.module else []
    if node.level:
        folder = base.split("/")[: -node.level] if base else []
        if not folder:
            return  # as Python says it: no known parent package
        start = folder + start
    if not start or start[0] not in ROOTS:
        return
    for alias in node.names:
        inner = () if alias.name == "*" else ("/".join([*start, alias.name]),)
        yield ScriptImport(("/".join(start), *inner), node.lineno)


def _named(code: str, lines: list[str]) -> tuple[list[str], bool]:
    """The requirements that a script names itself, and whether they are all."""
    block = _BLOCK.search(code)
    named: list[str] = []
    is_all = False
    if block is not None:
        line = code[: block.start()].count("\n") + 1
        named += [checked(text, line) for text in _of_block(block["content"], line)]
        is_all = True
    kind = ""
    for number, text in enumerate(lines, 1):
        found = _COMMENT.match(text)
        if found:
            kind = found["kind"]
            is_all = is_all or kind == "requirements"
            rest = found["rest"]
        elif kind and text.startswith("#") and text.lstrip("# \t"):
            rest = text.lstrip("# \t")
        else:
            kind = ""
            continue
        if rest:
            named.append(checked(rest.partition(" #")[0].strip(), number))
    return named, is_all


def _of_block(content: str, line: int) -> list[str]:
    text = "".join(row[2:] if row.startswith("# ") else row[1:] for row in content.splitlines(keepends=True))
    try:
        wanted = tomllib.loads(text).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise PackagesUnavailable(f"The script block of this cell is no TOML: {error}.", line=line) from error
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise PackagesUnavailable('`dependencies` must be a list of texts, like ["requests>=2"].', line=line)
    return wanted


def checked(text: str, line: int | None = None) -> str:
    """A requirement in one spelling.

    Raises:
        PackagesUnavailable: it is none, or names an address or a file instead of a package of the registry.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0].rstrip(".: ")
        raise PackagesUnavailable(
            f"{text[:80]!r} is not a requirement: {reason}.", "Write it like `requests` or `requests>=2,<3`.", line
        ) from error
    if requirement.url is not None:
        raise PackagesUnavailable(
            f"{text[:80]!r} names an address.",
            "Packages come from the registries that the server is configured for: write the name and a version.",
            line,
        )
    return str(requirement)


def package_of(dotted: Collection[str]) -> str:
    """The package for an import, given as its parts."""
    parts = list(dotted)
    for namespace, length in NAMESPACES.items():
        head = namespace.split(".")
        if parts[: len(head)] == head and len(parts) > len(head):
            return "-".join(part.replace("_", "-") for part in parts[:length] if part != "*")
    if parts[0] == "google" and len(parts) > 1:
        return _GOOGLE.get(parts[1], f"google-{parts[1].replace('_', '-')}")
    return _table().get(parts[0], parts[0])


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    rows = (row.split() for row in _TABLE.read_text("utf-8").splitlines() if row and not row.startswith("#"))
    return {name: package for name, package in rows}
