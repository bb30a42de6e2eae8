"""Signatures by language."""

from __future__ import annotations

from functools import lru_cache

from flowapp.signatures import bash, python, typescript
from flowapp.signatures.schema import Signature, SignatureProblem, object_schema

LONGEST_CODE = 300_000
"""Characters of a script."""
LONGEST_CACHED = 50_000

_TYPESCRIPT = frozenset({"deno", "bun", "nativets", "bunnative"})
READ = frozenset({"python3", "bash"}) | _TYPESCRIPT
"""The languages whose signatures are read."""


def infer(language: str, code: str, entrypoint: str = "main") -> Signature | SignatureProblem:
    """What the script takes and returns, without running it.

    For a language whose signatures are not read, the answer is an empty signature that takes any input. Answers are
    cached and shared: do not change the schemas in them.
    """
    if len(code) > LONGEST_CODE:
        return SignatureProblem("The code is too long to be read.", 1)
    return (_infer_cached if len(code) <= LONGEST_CACHED else _infer)(language, code, entrypoint)


def _infer(language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    try:
        return _read(language, code, entrypoint)
    except RecursionError:  # types or default values nested beyond anything that a person writes
        return SignatureProblem("The code is nested too deeply to be read.", 1)


_infer_cached = lru_cache(maxsize=1_000)(_infer)


def _read(language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    if not code.strip() and language in READ:
        return SignatureProblem("There is no code.", 1, syntax=False)
    if language == "python3":
        return python.infer(code, entrypoint)
    if language in _TYPESCRIPT:
        return typescript.infer(code, entrypoint)
    if language == "bash":
        return bash.infer(code)
    return Signature(object_schema([]), has_kwargs=True)
