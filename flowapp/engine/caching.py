"""`cache_ttl` of containers: the result of a whole loop or branch, by everything that its steps can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine.scope import Scope, object_text
from flowapp.engine.values import Module
from flowapp.jsontext import NULL, canonical
from flowapp.notebook.fingerprint import fingerprint

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

CONTAINERS = frozenset({"forloopflow", "whileloopflow", "branchone", "branchall"})


def key_of(interpreter: Interpreter, module: Module, scope: Scope) -> str:
    """The fingerprint of a container with all that can go into it: its document, arguments, results, environment."""
    seen = {
        "flow_input": object_text(scope.flow_input),
        "previous": scope.previous,
        "env": scope.env or NULL,
        "results": object_text(dict(sorted(scope.results.items()))),
        **(scope.answers or {}),
    }
    return fingerprint("container", canonical(module["value"]), None, object_text(seen))
