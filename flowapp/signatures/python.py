"""The signature of a Python script, read from its syntax tree. No user code is run or imported."""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator

from flowapp.signatures.python_types import Types, literal
from flowapp.signatures.schema import Argument, Signature, SignatureProblem, object_schema, of_value
from flowapp.signatures.sure import PythonResults, SurePython

_WARNINGS = threading.Lock()

Function = ast.FunctionDef | ast.AsyncFunctionDef


def infer(_language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    """The signature of the function `entrypoint` (openflow semantics, section 9)."""
    module = parse(code)
    if isinstance(module, SignatureProblem):
        return module
    function = _function(module, entrypoint)
    if function is None:
        if _is_imported(module, entrypoint):
            return Signature(object_schema([]), has_kwargs=True)
        return SignatureProblem(
            f"There is no function `{entrypoint}`. Write `def {entrypoint}(...):`.", 1, syntax=False
        )
    types = Types(module)
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args]
    first_default = len(names) - len(arguments.defaults)
    found = [
        _argument(name, arguments.defaults[i - first_default] if i >= first_default else None, types)
        for i, name in enumerate(names)
    ]
    found += [
        _argument(name, default, types)
        for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    returns = PythonResults(module).result_schema(function.returns) if function.returns is not None else None
    sure = SurePython(module).result_schema(function.returns) if returns else None
    listed = [*names, *arguments.kwonlyargs]
    guessed = frozenset(name.arg for name in listed if name.annotation is None)
    return Signature(object_schema(found), returns or None, arguments.kwarg is not None, sure or None, guessed)


def parse(code: str) -> ast.Module | SignatureProblem:
    """The syntax tree, or why there is none."""
    try:
        with _WARNINGS, warnings.catch_warnings():  # an odd escape in a string is the user's business
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        return SignatureProblem(f"{error.msg[:1].upper()}{error.msg[1:]}.", error.lineno or 1)
    except (RecursionError, MemoryError):
        return SignatureProblem("The code is nested too deeply to be read.", 1)
    except ValueError as error:  # null bytes, or half of a surrogate pair
        return SignatureProblem(f"The code cannot be read: {error}.", 1)


def _argument(argument: ast.arg, default: ast.expr | None, types: Types) -> Argument:
    schema = types.schema(argument.annotation) if argument.annotation is not None else {}
    required = default is None and not types.is_optional(argument.annotation)
    if default is not None:
        known, value = literal(default, types)
        if known and value is not None:
            schema = {**(schema or of_value(value)), "default": value}
        elif known:
            schema = {**schema, "default": None}
    return Argument(argument.arg, schema, required)


def _function(module: ast.Module, name: str) -> Function | None:
    """The last definition of the name, as Python would have it; an alias `main = other` is followed once."""
    functions = {node.name: node for node in _statements(module.body) if isinstance(node, Function)}
    if name in functions:
        return functions[name]
    aliases = [
        node.value.id
        for node in _statements(module.body)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    return functions.get(aliases[-1]) if aliases else None


def _is_imported(module: ast.Module, name: str) -> bool:
    return any(
        (alias.asname or alias.name) == name
        for node in _statements(module.body)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of the module level, those under `if`, `try` and `with` included."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                yield from _statements(getattr(node, field, []))
        for handler in node.handlers if isinstance(node, ast.Try) else []:
            yield from _statements(handler.body)
