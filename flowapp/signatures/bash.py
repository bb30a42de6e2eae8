"""The inputs of a Bash script: the variables that it sets from its positional parameters, at the top level.

`name="$1"` is a required input, `name="${2:-42}"` has a default. Everything is a string.
"""

from __future__ import annotations

import re

from flowapp.signatures.bash_commands import Command, Unfinished, commands
from flowapp.signatures.schema import Argument, Signature, SignatureProblem, object_schema

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_POSITIONAL = re.compile(r"\$(?:([1-9])|\{([1-9][0-9]?)(?::?([-?=])([^}]*))?\})", re.DOTALL)
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset"})


def infer(_language: str, code: str, _entrypoint: str = "main") -> Signature | SignatureProblem:
    """The signature of the script; its result is text unless the script writes a `result.json`."""
    found: dict[int, Argument] = {}
    try:
        for command in commands(code):
            for word in _assignments(command):
                position, argument = _assigned(word)
                if argument is not None:
                    found.setdefault(position, argument)
    except Unfinished as unfinished:
        return SignatureProblem(f"`{unfinished.missing}` is missing.", unfinished.line)
    returns = None if "result.json" in code else {"type": "string"}
    return Signature(object_schema(_in_order(found)), returns, sure=returns)


def _assignments(command: Command) -> tuple[str, ...]:
    """The words of a command that set variables of the script: all of them, or those after `export` and the like.

    In `x=1 program` the variable is set for the program only.
    """
    if command.depth or not command.words:
        return ()
    if command.words[0] in _DECLARING:
        return command.words[1:]
    return command.words if all(_ASSIGNMENT.fullmatch(word) for word in command.words) else ()


def _assigned(word: str) -> tuple[int, Argument | None]:
    """(position, input) of a word such as `name="${1:-x}"`; no input for any other word."""
    assignment = _ASSIGNMENT.fullmatch(word)
    match = _POSITIONAL.fullmatch(_without_quotes(assignment.group(2), '"')) if assignment is not None else None
    if assignment is None or match is None:
        return 0, None
    short, long, operator, default = match.groups()
    name, position = assignment.group(1), int(short or long)
    if operator in ("-", "="):
        text = _without_quotes(_without_quotes(default, '"'), "'")
        return position, Argument(name, {"type": "string", "default": text}, False)
    return position, Argument(name, {"type": "string"}, True)


def _without_quotes(text: str, quote: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == quote else text


def _in_order(found: dict[int, Argument]) -> list[Argument]:
    """By position. A position that no variable is set from gets a name of its own, so that the others keep theirs."""
    last = max(found, default=0)
    unnamed = {"type": "string", "default": ""}
    return [found.get(i, Argument(f"arg{i}", unnamed, False)) for i in range(1, last + 1)]
