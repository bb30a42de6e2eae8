"""What Jedi knows of a Python cell: completion, hovers and signatures. It reads the code and the packages of the jobs' Python."""

from __future__ import annotations

from typing import Any

from flowapp.runtimes.guest.language_server import MOST_ITEMS, Position

_KINDS = {"instance": "variable", "statement": "variable", "param": "variable", "path": "text"}
#: of these the description says more than the name
_TOLD = frozenset({"statement", "param", "instance"})


def load() -> None:
    """Import Jedi, which takes a tenth of a second, and have it read what everything builds on."""
    import jedi

    jedi.Script("''.", environment=jedi.InterpreterEnvironment()).complete(1, 3)


def ask(action: str, code: str, at: Position) -> dict[str, Any]:
    """The answer to one question; see `editing_cell`."""
    import jedi

    script = jedi.Script(code, path="cell.py", environment=jedi.InterpreterEnvironment())
    lines = code.split("\n")
    line = min(max(at.line, 1), len(lines))
    column = len(lines[line - 1].encode("utf-16-le")[: 2 * (at.column - 1)].decode("utf-16-le", "ignore"))
    match action:
        case "complete":
            return {"items": [_item(found) for found in script.complete(line, column)[:MOST_ITEMS]]}
        case "hover":
            return {
                "text": "\n\n---\n\n".join(filter(None, (_about(name) for name in script.help(line, column)[:3])))[
                    :8000
                ]
            }
        case "signature":
            return _signatures(script.get_signatures(line, column))
        case "check":
            return {"problems": []}
    raise ValueError(f"unknown question {action!r}")


def _item(found: Any) -> dict[str, str]:
    told = found.description[:200] if found.type in _TOLD else ""
    return {"label": found.name, "kind": _KINDS.get(found.type, found.type), "detail": told}


def _about(name: Any) -> str:
    if name.type == "keyword":
        return ""
    signatures = [signature.to_string() for signature in name.get_signatures()[:3]]
    hint = name.get_type_hint() if not signatures else ""
    head = signatures or [f"{name.name}: {hint}" if hint and hint != name.name else name.description]
    shown = "```python\n" + "\n".join(head) + "\n```"
    doc = name.docstring(raw=True).strip()
    return f"{shown}\n\n```text\n{doc[:3000].replace('```', '')}\n```" if doc else shown


def _signatures(found: list[Any]) -> dict[str, Any]:
    shown = [
        {
            "label": signature.to_string(),
            "parameters": [param.to_string() for param in signature.params],
            "doc": signature.docstring(raw=True)[:2000],
        }
        for signature in found[:5]
    ]
    index = found[0].index if found else None
    return {"signatures": shown, "active": 0, "parameter": index if index is not None else -1}
