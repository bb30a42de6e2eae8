"""Workflows as code: `main` is a `@workflow` of the client, which runs it as far as what is there of its steps reaches.

The answer is a record of what it wants next, as the client makes it; that of everything that has ended is `complete`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from flowapp.runtimes.guest import frames, python_calls, python_results


def call(function: Callable[..., Any], inputs: Mapping[str, Any], checkpoint: str) -> bytes:
    """Call the entry point. One that is no workflow is called like any other."""
    if not getattr(function, "_is_workflow", False):
        return _complete(python_calls.call(function, inputs))
    from wmill import client  # the script has imported it

    positional, named = python_calls.bind(function, inputs)
    record: dict[str, Any] = client._run_workflow(
        functools.partial(function, *positional), json.loads(checkpoint), named
    )
    if record.get("type") == "complete":
        return _complete(record.get("result"))
    return python_results.encode(record)


def _complete(result: Any) -> bytes:
    return frames.COMPLETE.encode() + python_results.encode(result) + b"}"
