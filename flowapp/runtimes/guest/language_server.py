"""A language server beside us, asked one question at a time over its standard streams.

The protocol: https://microsoft.github.io/language-server-protocol/ (base protocol: a Content-Length header, then JSON).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ITEMS = 200
_FILE = "cell.ts"
_HINT = 4
"""LSP's severity of what a server only suggests."""
_CAPABILITIES = {
    "textDocument": {
        "diagnostic": {},
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"documentationFormat": ["plaintext"]}},
        "signatureHelp": {"signatureInformation": {"documentationFormat": ["plaintext"]}},
    },
    "workspace": {"configuration": True},
}
_SETTINGS = {"enable": True, "lint": False, "cacheOnSave": False, "suggest": {"autoImports": False}}
#: LSP's numbers of kinds, as names
_KINDS = {
    2: "method",
    3: "function",
    5: "field",
    6: "variable",
    7: "class",
    8: "interface",
    9: "module",
    10: "property",
    13: "enum",
    14: "keyword",
    20: "enum",
    21: "constant",
}


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text as Monaco counts: from 1, columns in UTF-16 units."""

    line: int
    column: int


class LanguageServer:
    """One server process with one open file, whose text each question brings along."""

    def __init__(self, command: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        """Start it and wait until it is ready.

        Raises:
            OSError: it cannot be started.
            EOFError: it has ended.
        """
        import subprocess  # not with this module: every process of a job would have it in memory

        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=dict(environment),
        )
        self._last = 0
        self._version = 0
        self._uri = f"file://{os.path.abspath(folder)}/{_FILE}"
        root = f"file://{os.path.abspath(folder)}/"
        options = {
            "processId": None,
            "rootUri": root,
            "initializationOptions": _SETTINGS,
            "capabilities": _CAPABILITIES,
        }
        self._request("initialize", options)
        self._send({"method": "initialized", "params": {}})

    def ask(self, action: str, code: str, at: Position) -> dict[str, Any]:
        """The answer to one question; see `editing_cell`.

        Raises:
            EOFError: the server has ended.
        """
        self._show(code)
        place = {"textDocument": {"uri": self._uri}}
        there = {**place, "position": {"line": at.line - 1, "character": at.column - 1}}
        match action:
            case "complete":
                return _completions(self._request("textDocument/completion", {**there, "context": {"triggerKind": 1}}))
            case "hover":
                return _hover(self._request("textDocument/hover", there))
            case "signature":
                return _signatures(self._request("textDocument/signatureHelp", there))
            case "check":
                return _problems(self._request("textDocument/diagnostic", place))
            case "format":
                options = {"tabSize": 2, "insertSpaces": True}
                return _formatted(code, self._request("textDocument/formatting", {**place, "options": options}))
        raise ValueError(f"unknown question {action!r}")

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _show(self, code: str) -> None:
        self._version += 1
        if self._version == 1:
            document = {"uri": self._uri, "languageId": "typescript", "version": 1, "text": code}
            self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
            return
        document = {"uri": self._uri, "version": self._version}
        self._send(
            {
                "method": "textDocument/didChange",
                "params": {"textDocument": document, "contentChanges": [{"text": code}]},
            }
        )

    def _request(self, method: str, params: dict[str, Any]) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message:
                if "id" in message:
                    self._send({"id": message["id"], "result": _reply(message)})
            elif message.get("id") == self._last:
                return message.get("result")

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        pipe.flush()

    def _receive(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None
        length = 0
        while line := pipe.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise EOFError("The language server has ended.")
        message: dict[str, Any] = json.loads(pipe.read(length))
        return message


def _reply(message: dict[str, Any]) -> Any:
    """What we answer to a question of the server."""
    if message["method"] == "workspace/configuration":
        return [_SETTINGS for _ in message["params"]["items"]]
    return None


def _completions(found: Any) -> dict[str, Any]:
    items = (found or {}).get("items", []) if isinstance(found, dict) else found or []
    shown = sorted(items, key=lambda item: str(item.get("sortText") or item["label"]))[:MOST_ITEMS]
    return {
        "items": [
            {
                "label": item["label"],
                "kind": _KINDS.get(item.get("kind", 0), "text"),
                "detail": item.get("detail") or "",
            }
            for item in shown
        ]
    }


def _hover(found: Any) -> dict[str, Any]:
    contents = (found or {}).get("contents")
    return {"text": str(contents.get("value", ""))[:8000] if isinstance(contents, dict) else ""}


def _signatures(found: Any) -> dict[str, Any]:
    found = found or {}
    shown = [
        {
            "label": each["label"],
            "parameters": [part["label"] for part in each.get("parameters") or []],
            "doc": _text(each.get("documentation")),
        }
        for each in found.get("signatures", [])
    ]
    active = int(found.get("activeSignature") or 0)
    own = found.get("signatures", [{}])[active].get("activeParameter") if shown else None
    return {
        "signatures": shown,
        "active": active,
        "parameter": int(own if own is not None else found.get("activeParameter") or 0),
    }


def _text(documentation: Any) -> str:
    value = documentation.get("value", "") if isinstance(documentation, dict) else documentation or ""
    return str(value)[:4000]


def _problems(found: Any) -> dict[str, Any]:
    shown = []
    for item in (found or {}).get("items", []):
        # what is no matter of types: packages that are not fetched here, and mere hints
        if item.get("source") != "deno-ts" or item.get("severity") == _HINT:
            continue
        start, end = item["range"]["start"], item["range"]["end"]
        place = {"line": start["line"] + 1, "column": start["character"] + 1}
        place |= {"end_line": end["line"] + 1, "end_column": end["character"] + 1}
        shown.append({**place, "message": str(item["message"])[:2000], "code": str(item.get("code", ""))})
    return {"problems": shown[:MOST_ITEMS]}


def _formatted(code: str, edits: Any) -> dict[str, Any]:
    """The code with the server's edits, which are taken from the end so that places before them stay right."""
    if edits is None:
        return {"problem": "The code cannot be read, so it cannot be formatted."}
    lines = code.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(place: dict[str, int]) -> int:
        if place["line"] >= len(lines):
            return len(code)
        line = lines[place["line"]]
        return starts[place["line"]] + len(
            line.encode("utf-16-le")[: 2 * place["character"]].decode("utf-16-le", "ignore")
        )

    for edit in sorted(
        edits, key=lambda edit: (edit["range"]["start"]["line"], edit["range"]["start"]["character"]), reverse=True
    ):
        code = code[: offset(edit["range"]["start"])] + edit["newText"] + code[offset(edit["range"]["end"]) :]
    return {"code": code}
