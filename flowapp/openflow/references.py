"""What an expression refers to, and renaming a step in it.

The scope of expressions is the one of OpenFlow: `results`, `flow_input`, `previous_result`, `flow_env`, `variable(path)`,
`resource(path)`, and in some places `result`, `resume`, `resumes`, `approvers`, `error`, `all_iters`, …
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from flowapp.openflow.javascript import SyntaxProblem, is_primary, read, without_last_semicolon
from flowapp.openflow.usage import Site, Use

__all__ = [
    "References",
    "SyntaxProblem",
    "find",
    "function_body",
    "look_up",
    "member",
    "rename",
    "rename_flow_input",
    "simple_path",
]

LONGEST_CACHED = 5_000
"""Characters."""

_SCOPE_NAMES = (
    "results flow_input previous_result flow_env result all_iters resume resumes approvers error params started_at "
    "flow_job_id variable resource WM_SCHEDULED_FOR"
)
SCOPE_NAMES = frozenset(_SCOPE_NAMES.split())
"""Names that an expression may find defined, in one place or another (openflow semantics, section 2)."""

_OWN_FIELDS = frozenset({"results", "flow_input", "previous_result", "variable", "resource"})

_GLOBAL_NAMES = (
    "Object Array JSON Math Date String Number Boolean RegExp Map Set WeakMap WeakSet WeakRef Promise Symbol BigInt "
    "parseInt parseFloat isNaN isFinite undefined NaN Infinity encodeURIComponent decodeURIComponent encodeURI decodeURI "
    "escape unescape Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError globalThis "
    "Intl ArrayBuffer SharedArrayBuffer DataView Uint8Array Uint8ClampedArray Uint16Array Uint32Array Int8Array "
    "Int16Array Int32Array Float32Array Float64Array BigInt64Array BigUint64Array Reflect Proxy Function Iterator "
    "arguments console atob btoa structuredClone URL URLSearchParams TextEncoder TextDecoder"
)
GLOBAL_NAMES = frozenset(_GLOBAL_NAMES.split())
"""What JavaScript itself defines."""

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SIMPLE = re.compile(
    r"""\s*([A-Za-z_$][A-Za-z0-9_$]*)((?:\??\.[A-Za-z_$][A-Za-z0-9_$]*|(?:\?\.)?\[(?:0|[1-9][0-9]{0,14}|"[^"\\\n]*"|'[^'\\\n]*')\])*)\s*;?\s*"""
)
_SEGMENT = re.compile(r"""(\??)\.?([A-Za-z_$][A-Za-z0-9_$]*)|(\?\.)?\[(?:([0-9]+)|"([^"]*)"|'([^']*)')\]""")
_BRANCHES = re.compile(r"\b(?:if|switch|try|while|do)\b")
_SHAPED = frozenset({"results", "flow_input", "previous_result"})
_PLAIN_PATH = re.compile(r"[\w/.@-]+")
_SIMPLE_ROOTS = SCOPE_NAMES - {"variable", "resource"}


@dataclass(frozen=True, slots=True)
class References:
    """What one expression reads."""

    results: frozenset[str] = frozenset()
    """Step ids."""
    result_paths: frozenset[tuple[str | int, ...]] = frozenset()
    """The chains read of results, step id first: `results.a.rows[0]` is `("a", "rows", 0)`. Called methods are left out."""
    flow_input: frozenset[str] = frozenset()
    """Top-level keys of the flow input; in loops also `iter`, `iter_parent`, …"""
    whole_flow_input: bool = False
    whole_results: bool = False
    """`results` is used as a whole or with a computed key: any step may be read."""
    previous_result: bool = False
    variables: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    """Paths in calls `variable("…")` and `resource("…")` with a literal path."""
    names: frozenset[str] = frozenset()
    """Other names of the scope that are used: flow_env, result, resume, error, all_iters, …; also `variable` and
    `resource` when their path is computed."""
    unknown: frozenset[str] = frozenset()
    """Names that neither the scope, nor JavaScript, nor the expression itself defines."""
    syntax: SyntaxProblem | None = None
    statements: bool = False
    """The text is the statements of a function body, not one expression."""
    returns: bool = True
    """False for statements that never return: their value is always null."""
    values: frozenset[str] = frozenset()
    """The names whose values it reads, step results and calls left out: `names`, `flow_input` and `previous_result`."""
    firm: frozenset[tuple[str | int, ...]] = frozenset()
    """The chains that it reads for certain, and of which it takes for granted that they are there: `("results", "a", "rows")`."""


def find(expr: str) -> References:
    """What the expression refers to. Never raises: a syntax problem is in the answer, with the references found so far.

    Names that the expression declares itself (parameters, variables) hide those of the scope. Text in strings,
    templates and comments is no reference; `${…}` inside a template is code. Answers are cached for expressions of usual size.
    """
    return _find_cached(expr) if len(expr) <= LONGEST_CACHED else _find(expr)


def _find(expr: str) -> References:
    script = read(expr)
    uses = script.uses
    results = [use for use in uses if use.name == "results"]
    inputs = [use for use in uses if use.name == "flow_input"]
    variables, resources = _arguments(uses, "variable"), _arguments(uses, "resource")
    computed = {use.name for use in uses if use.name in ("variable", "resource") and use.argument is None}
    names = {use.name for use in uses}
    scope_names = frozenset((names & SCOPE_NAMES - _OWN_FIELDS) | computed)
    return References(
        results=frozenset(site.key for use in results for site in use.sites),
        result_paths=frozenset(path for use in results for path in use.paths),
        flow_input=frozenset(site.key for use in inputs for site in use.sites),
        whole_flow_input=any(use.whole or use.called for use in inputs),
        whole_results=any(use.whole or use.called for use in results),
        previous_result="previous_result" in names,
        variables=variables,
        resources=resources,
        names=scope_names,
        unknown=frozenset(names - SCOPE_NAMES - GLOBAL_NAMES),
        syntax=script.problem,
        statements=script.statements,
        returns=script.returns,
        values=scope_names | (names & {"flow_input", "previous_result"}),
        firm=_firm(uses)
        if script.problem is None and not (script.statements and _BRANCHES.search(expr))
        else frozenset(),
    )


def _firm(uses: Iterable[Use]) -> frozenset[tuple[str | int, ...]]:
    roots = [use for use in uses if use.name in _SHAPED]
    # `results?.a`: results are always there
    tested = {(use.name, *path) for use in roots for path in use.tested if path or use.name == "previous_result"}
    read = {(use.name, *path) for use in roots if use.firm for path in use.paths}
    return frozenset(path for path in read if not any(path[: len(start)] == start for start in tested))


_find_cached = lru_cache(maxsize=20_000)(_find)


def _arguments(uses: Iterable[Use], function: str) -> frozenset[str]:
    return frozenset(use.argument for use in uses if use.name == function and use.argument is not None)


def rename(expr: str, old: str, new: str) -> str:
    """The expression with every reference to step `old` made one to step `new`, and nothing else changed.

    Keys keep their form (`results.a`, `results["a"]`, `{a} = results`, `"a" in results`); where `new` cannot be written
    in that form it becomes a string in brackets. An expression that does not parse is changed as far as it was understood.
    """
    return _rename(expr, "results", old, new)


def steps_in(expr: str) -> list[str]:
    """The steps that an expression refers to, each once."""
    sites = [site for use in read(expr).uses if use.name == "results" for site in use.sites]
    return list(dict.fromkeys(site.key for site in sites))


def rename_flow_input(expr: str, old: str, new: str) -> str:
    """The expression with every reference to field `old` of the flow's input made one to `new`, as `rename` does."""
    return _rename(expr, "flow_input", old, new)


def look_up(expr: str, function: str, paths: Mapping[str, str]) -> str:
    """The expression with other paths in its calls of `variable("…")` or `resource("…")` (`function`), and nothing else changed.

    `paths` says the new path for each old one; all are replaced at once. Quotes stay what they are.
    """
    script = read(expr)
    text = expr.encode("utf-8", "surrogatepass")
    calls = [use for use in script.uses if use.name == function and use.argument in paths and use.argument_at]
    for use in sorted(calls, key=lambda use: use.argument_at or (0, 0), reverse=True):
        assert use.argument is not None and use.argument_at is not None
        start, end = use.argument_at[0] - script.shift, use.argument_at[1] - script.shift
        quote, new = text[start : start + 1].decode(), paths[use.argument]
        written = f"{quote}{new}{quote}" if _PLAIN_PATH.fullmatch(new) else json.dumps(new)
        text = text[:start] + written.encode("utf-8", "surrogatepass") + text[end:]
    return text.decode("utf-8", "surrogatepass")


def _rename(expr: str, of: str, old: str, new: str) -> str:
    script = read(expr)
    sites = [site for use in script.uses if use.name == of for site in use.sites if site.key == old]
    if not sites or old == new:
        return expr
    # `source` may end before the text does: a last semicolon was left out.
    head = expr.encode("utf-8", "surrogatepass")
    for site in sorted(sites, key=lambda site: site.start, reverse=True):
        for start, end, text in _edits(site, new, script.source):
            start, end = start - script.shift, end - script.shift
            head = head[:start] + text.encode("utf-8", "surrogatepass") + head[end:]
    return head.decode("utf-8", "surrogatepass")


def _edits(site: Site, new: str, source: bytes) -> list[tuple[int, int, str]]:
    """Replacements in the parsed source, the last one first."""
    is_name = _NAME.fullmatch(new) is not None
    if site.form == "literal":
        quote = source[site.start : site.start + 1].decode()
        plain = re.fullmatch(r"[A-Za-z0-9_-]+", new) is not None and quote in "\"'`"
        return [(site.start, site.end, f"{quote}{new}{quote}" if plain else json.dumps(new))]
    if site.form == "shorthand":
        return [(site.start, site.start, f"{new if is_name else json.dumps(new)}: ")]
    if is_name:
        return [(site.start, site.end, new)]
    if site.form == "plain":
        return [(site.start, site.end, json.dumps(new))]
    edits = [(site.start, site.end, f"[{json.dumps(new)}]")]
    if site.dot is not None:
        edits.append((*site.dot, ""))
    return edits


def simple_path(expr: str) -> tuple[str | int, ...] | None:
    """The expression as a path when it is nothing but one, such as `("results", "a", 0, "b")`; None otherwise.

    For reading a value without starting JavaScript. A path says the same as the expression only while each step finds an
    own key of an object or an index of an array: where it does not (null on the way, `length`, a method), the
    expression has to be evaluated, since JavaScript may throw or find something else. `results` and `flow_input` alone
    count as paths of one.
    """
    return _simple_path_cached(expr) if len(expr) <= LONGEST_CACHED else _simple_path(expr)


def _simple_path(expr: str) -> tuple[str | int, ...] | None:
    match = _SIMPLE.fullmatch(expr)
    if match is None or match.group(1) not in _SIMPLE_ROOTS:
        return None
    path: list[str | int] = [match.group(1)]
    for segment in _SEGMENT.finditer(match.group(2)):
        optional, name, optional_bracket, number, double, single = segment.groups()
        # `results?.a` is `results.a`: results are always there. Further on `?.` turns null into undefined.
        if (optional or optional_bracket) and len(path) > 1:
            return None
        path.append(int(number) if number is not None else next(t for t in (name, double, single) if t is not None))
    return tuple(path)


_simple_path_cached = lru_cache(maxsize=20_000)(_simple_path)


def member(expr: str, key: str | int) -> str:
    """The expression for one member of the value of another: `expr.key`, `expr["k k"]` or `expr[0]`."""
    base = without_last_semicolon(expr).strip()
    if not is_primary(base):
        base = f"({base})"
    if isinstance(key, int):
        return f"{base}[{key}]"
    return f"{base}.{key}" if _NAME.fullmatch(key) else f"{base}[{json.dumps(key, ensure_ascii=False)}]"


def function_body(expr: str) -> str:
    """The text as the body of an (async) function: an expression gets its `return`, statements stay as they are.

    An empty expression returns null. Lines keep their numbers.
    """
    if not expr.strip():
        return "return null"
    if find(expr).statements:
        return expr
    return f"return ({without_last_semicolon(expr)}\n)"
