"""Signatures by language."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, lru_cache

from flowapp.languages import LANGUAGES, Language, by_name
from flowapp.signatures.schema import Signature, SignatureProblem, object_schema

LONGEST_CODE = 300_000
"""Characters of a script."""
LONGEST_CACHED = 50_000

READ = frozenset(language.name for language in LANGUAGES if language.signature)
"""The languages whose signatures are read."""

Infer = Callable[[str, str, str], Signature | SignatureProblem]
"""`infer(language, code, entrypoint)` of a module of this package that reads signatures."""


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
    known = by_name(language)
    if known is None or not known.signature:
        return Signature(object_schema([]), has_kwargs=True)
    if not code.strip():
        return SignatureProblem("There is no code.", 1, syntax=False)
    return reader_of(known)(language, code, entrypoint)


@cache
def reader_of(language: Language) -> Infer:
    """What reads the signatures of a language that the table names a module for."""
    read: Infer = importlib.import_module(f"flowapp.signatures.{language.signature}").infer
    return read
