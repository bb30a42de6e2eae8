"""Results that ask for a rendering of their own, in Windmill's shapes: an object with exactly one of the known keys.

Pure. What a page shows is chosen here; that HTML runs in a sandboxed frame and markdown goes through a sanitiser is the
page's duty. Pictures become `data:` URIs, also SVG, so that a script in one never runs.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flowapp.jsontext import dumps

MAX_INLINE = 256 * 1024
Kind = Literal["markdown", "html", "image", "chart", "file", "stored", "chat"]

_KINDS: dict[str, Kind] = {
    "html": "html",
    "markdown": "markdown",
    "md": "markdown",
    "png": "image",
    "jpeg": "image",
    "gif": "image",
    "svg": "image",
    "file": "file",
    "pdf": "file",
    "chart": "chart",
}
_IMAGE_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml"}
_DATA_URI = re.compile(r"^data:[\w.+-]+/[\w.+-]+(?:;[\w=-]+)*;base64,")


@dataclass(frozen=True, slots=True)
class File:
    """Content to download. `inline` may be shown by a browser without harm."""

    content: bytes
    name: str
    media_type: str
    inline: bool = False


def kind_of(value: Any) -> Kind | None:
    """How the value wants to be shown; None for a plain value."""
    value = _own(value)
    if is_conversation(value):
        return "chat"
    if is_stored_file(value):
        return "stored"
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((key, content),) = value.items()
    kind = _KINDS.get(key)
    if kind == "chart":
        return kind if isinstance(content, dict) else None
    if kind == "file" and key == "file":
        return kind if isinstance(content, dict) and isinstance(content.get("content"), str) else None
    return kind if isinstance(content, str) else None


def _own(value: Any) -> Any:
    """The value without the text that was streamed before it."""
    if isinstance(value, Mapping) and "wm_stream" in value:
        return {key: item for key, item in value.items() if key != "wm_stream"}
    return value


def is_conversation(value: Any) -> bool:
    """Whether the value is what an agent gives: `{"output", "messages"}`."""
    if not isinstance(value, Mapping) or set(value) != {"output", "messages"}:
        return False
    messages = value["messages"]
    return isinstance(messages, list) and all(
        isinstance(m, Mapping) and isinstance(m.get("role"), str) for m in messages
    )


def is_stored_file(value: Any) -> bool:
    """Whether the value is the name of a file that a script keeps: `{"s3": key}`, as `write_s3_file` gives it."""
    if not isinstance(value, Mapping) or not set(value) <= {"s3", "storage", "presigned"}:
        return False
    return isinstance(value.get("s3"), str) and bool(value["s3"].strip("/"))


def rich_of(value: Any, file_url: str) -> dict[str, Any] | None:
    """`{"kind", "value"}` of a value with its own rendering; content over 256 KB and files come by `url` instead."""
    kind, value = kind_of(value), _own(value)
    if kind is None:
        return None
    if kind == "stored":
        key = value["s3"].strip("/")
        storage = value.get("storage")
        held = {"key": key, "storage": storage if isinstance(storage, str) else ""}
        return {"kind": kind, "value": held, "name": key.rpartition("/")[2]}
    if kind == "chat":
        return {"kind": kind, "value": value} if len(dumps(value)) <= MAX_INLINE else None
    ((key, content),) = value.items()
    if kind == "file":
        file = file_of(value)
        if file is None:
            return None
        return {"kind": kind, "value": None, "name": file.name, "size": len(file.content), "url": file_url}
    if kind == "image":
        file = file_of(value)
        if file is None:
            return None
        content = f"data:{file.media_type};base64,{base64.b64encode(file.content).decode()}"
    size = len(content) if isinstance(content, str) else len(str(content))
    if size > MAX_INLINE:
        return {"kind": kind, "value": None, "size": size, "url": file_url, "name": key}
    return {"kind": kind, "value": content}


def file_of(value: Any) -> File | None:
    """The bytes behind a rich value, for download; None where there are none or they are not readable."""
    kind, value = kind_of(value), _own(value)
    if kind in (None, "chat", "stored"):
        return None
    ((key, content),) = value.items()
    match key:
        case "file":
            name = str(content.get("filename") or content.get("name") or "result")
            data = _decoded(content["content"])
            return None if data is None else File(data, _safe_name(name), "application/octet-stream")
        case "pdf":
            data = _decoded(content)
            return None if data is None else File(data, "result.pdf", "application/pdf")
        case "svg":
            text = content if "<" in content[:1000] else (_decoded(content) or b"").decode("utf-8", "replace")
            # a navigation to an SVG would run its scripts in our origin: download it instead
            return File(text.encode(), "result.svg", _IMAGE_TYPES["svg"])
        case "png" | "jpeg" | "gif":
            data = _decoded(content)
            return None if data is None else File(data, f"result.{key}", _IMAGE_TYPES[key], inline=True)
        case "html":
            return File(content.encode(), "result.html", "application/octet-stream")
        case "markdown" | "md":
            return File(content.encode(), "result.md", "text/markdown")
        case _:
            return None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(_DATA_URI.sub("", text, count=1).split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _safe_name(name: str) -> str:
    """A file name without folders or characters that a header or a disk would mind."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r'[\x00-\x1f"<>|:*?]', "_", last)[:150] or "result"
