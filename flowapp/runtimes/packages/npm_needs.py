"""What a TypeScript script imports from npm, and the same script with specifiers that a folder of packages answers.

`npm:zod@3/v4`, `zod@3.23.8` and `zod/v4` all name a package, perhaps a version, and a file in it. The version goes into the
lock; what stays in the code is `zod/v4`. Only what is between the quotes changes, so lines and columns before it stay.

Scripts of the workspace (typescript_scripts.py) become files in a folder beside the cell, and their imports the way there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import tree_sitter_typescript
from tree_sitter import Language, Node

from flowapp.openflow.parsing import SourceParser
from flowapp.runtimes.packages.errors import PackagesUnavailable

_PARSER = SourceParser(Language(tree_sitter_typescript.language_typescript()))
_SPECIFIER = re.compile(
    r"(?:npm:/?)?(?P<name>(?:@[a-z0-9~][\w.~-]*/)?[a-zA-Z0-9~][\w.~-]*)(?:@(?P<version>[^/\s]+))?(?P<path>/.*)?"
)
_OTHER_SCHEME = re.compile(r"(?!npm:)[a-z][a-z0-9+.-]*:")
_RANGE = re.compile(r"[\w.*^~<>=|+ -]{1,100}")
ANY = "latest"
#: modules of Node, which Deno and Bun have too
BUILTIN = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)


@dataclass(frozen=True, slots=True)
class NpmNeeds:
    """Version ranges by package; the line of each package's first import; the code to run; the specifiers in it."""

    packages: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    code: str = ""
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Specifier:
    """What an import names: where it is in the encoded code (without its quotes), its line, and the text."""

    start: int
    end: int
    line: int
    text: str


def needs_of(code: str, ways: Mapping[str, str] | None = None) -> NpmNeeds:
    """What a script needs. Code that cannot be parsed needs nothing.

    Args:
        code: the script.
        ways: what to write for specifiers that name scripts of the workspace.

    Raises:
        PackagesUnavailable: it asks for two versions of one package, or for one that is no version.
    """
    return _needs_of(code, tuple(sorted(ways.items())) if ways else ())


@lru_cache(maxsize=256)
def _needs_of(code: str, given: tuple[tuple[str, str], ...]) -> NpmNeeds:
    source = code.encode("utf-8", "replace")
    ways = dict(given)
    packages: dict[str, str] = {}
    lines: dict[str, int] = {}
    modules: dict[str, None] = {}
    pieces: list[bytes] = []
    done = 0
    for found in specifiers(code):
        written = ways.get(found.text)
        if written is None:
            written = _rewritten(found, packages, lines)
            if written is None:
                continue
            if not written.startswith("node:"):
                modules[written] = None
        pieces += [source[done : found.start], written.encode()]
        done = found.end
    return NpmNeeds(packages, lines, b"".join([*pieces, source[done:]]).decode(), tuple(modules))


@lru_cache(maxsize=64)
def in_place(code: str) -> str:
    """The code for who reads it without running it: with specifiers that a folder of packages answers, and all else where it was.

    What becomes shorter is filled up with spaces behind its quote, so that every other place keeps its line and column.
    """
    source = code.encode("utf-8", "replace")
    pieces: list[bytes] = []
    done = 0
    for found in specifiers(code):
        written = _rewritten(found, {}, {}) if found.text.isascii() else None
        if written is None or len(written) >= len(found.text):
            continue
        pieces += [source[done : found.start], written.encode(), source[found.end : found.end + 1]]
        pieces.append(b" " * (len(found.text) - len(written)))
        done = found.end + 1
    return b"".join([*pieces, source[done:]]).decode("utf-8", "replace")


def _rewritten(found: Specifier, packages: dict[str, str], lines: dict[str, int]) -> str | None:
    """What to write for a specifier, after noting its package; None where it is no package's."""
    if _OTHER_SCHEME.match(found.text) or found.text.startswith((".", "/")):
        return None
    match = _SPECIFIER.fullmatch(found.text)
    if match is None:
        return None
    name, version, path = match["name"], match["version"], match["path"] or ""
    if name in BUILTIN and version is None and not found.text.startswith("npm:"):
        return f"node:{found.text}"
    if version is not None and not _RANGE.fullmatch(version):
        raise PackagesUnavailable(
            f"{version[:40]!r} is not a version of {name}.", "Write it like 1.2.3 or ^1.2.", found.line
        )
    known = packages.get(name, ANY)
    if version is not None and known not in (ANY, version):
        raise PackagesUnavailable(
            f"This cell imports {name} in two versions, {known} and {version}.", "Use one of them.", found.line
        )
    packages[name] = version or known
    lines.setdefault(name, found.line)
    return name + path


@lru_cache(maxsize=256)
def specifiers(code: str) -> tuple[Specifier, ...]:
    """All imports that are there when the code runs, in their order. Code that cannot be parsed has none."""
    source = code.encode("utf-8", "replace")
    tree = _PARSER.parse(source)
    waiting = [] if tree is None else [tree.root_node]
    found: list[Specifier] = []
    while waiting:
        node = waiting.pop()
        text = _imported(node)
        if text is not None:
            inner = source[text.start_byte + 1 : text.end_byte - 1].decode("utf-8", "replace")
            found.append(Specifier(text.start_byte + 1, text.end_byte - 1, text.start_point.row + 1, inner))
        waiting += node.named_children
    return tuple(sorted(found, key=lambda one: one.start))


def _imported(node: Node) -> Node | None:
    """The string node of what a statement or call imports."""
    if node.type in ("import_statement", "export_statement"):
        if any(child.type == "type" for child in node.children):
            return None  # erased before the code runs
        return node.child_by_field_name("source")
    if node.type != "call_expression":
        return None
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or function.text not in (b"import", b"require"):
        return None
    first = arguments.named_children[0] if arguments.named_children else None
    return first if first is not None and first.type == "string" else None
