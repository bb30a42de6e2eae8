"""YAML text in and out, for JSON values only.

Reading follows the core schema of YAML 1.2 (`no` and `2024-01-01` are texts), with anchors, aliases and merge keys; it works
on the parser's events, so that depth and size are checked before anything is built. Writing quotes every text that a YAML
1.1 reader would take for something else, and puts texts of several lines into literal blocks, byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.jsondata import MAX_DEPTH, MAX_NODES, check, check_size, refuse

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG = "tag:yaml.org,2002:"

# What is written without quotes: begins with a letter, and cannot be mistaken for an indicator, a comment or another type.
_PLAIN = re.compile(r"[^\W\d](?:[^\x00-\x1f\x7f-\xa0\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff:#]|:(?=\S)|(?<=\S)#)*")
_OTHER_TYPE = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")
_LONGEST_SIMPLE_KEY = 1000


# --- reading


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is being read."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    started_at: int
    """Number of values read before it."""
    key: str | None = None
    merging: bool = False
    merged: list[dict[str, Any]] = field(default_factory=list)
    """What `<<` brings in; the mapping's own keys go before it."""


def read(text: str) -> Any:
    """The value of a YAML text with one document.

    Raises:
        DocumentInvalid: the text is too large or too deep, is not YAML, has a key twice, or holds what JSON cannot.
    """
    check_size(text)
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark is not None else None
        where = f" (line {line}, column {mark.column + 1})" if mark is not None else ""
        refuse("doc.yaml", f"This is not YAML: {error.problem or error.context}{where}.", line=line)
    except (yaml.YAMLError, UnicodeError) as error:
        refuse("doc.yaml", f"This is not YAML: {str(error).splitlines()[0]}.")
    return reader.result


class _Reader:
    """Builds the value from parser events."""

    def __init__(self) -> None:
        self.result: Any = None
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                refuse("doc.yaml", "There is more than one YAML document in this text.", line=_line(event))
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(event, {}, "map")
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(event, [], "seq")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            frame = self._frames.pop()
            if isinstance(frame.value, dict):
                frame.value.update({k: v for m in reversed(frame.merged) for k, v in m.items() if k not in frame.value})
            if frame.anchor:
                self._anchors[frame.anchor] = (frame.value, self._count - frame.started_at)
            self._put(frame.value, event)

    def _open(self, event: Any, value: dict[str, Any] | list[Any], kind: str) -> None:
        self._grow(1, event)
        if event.tag not in (None, "!", _TAG + kind):
            refuse("doc.yaml", f"The tag {event.tag} is not supported.", line=_line(event))
        if len(self._frames) >= MAX_DEPTH:
            refuse("doc.too_deep", "The document is nested too deeply.", line=_line(event))
        if self._wants_key():
            refuse("doc.yaml", "A key has to be a text.", line=_line(event))
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._frames.append(_Frame(value, event.anchor, self._count - 1))

    def _scalar(self, event: Any) -> None:
        self._grow(1, event)
        plain = event.implicit[0] and event.tag is None
        if self._wants_key():
            self._key(event.value, event, merge=plain and event.value == "<<")
            return
        value = _resolve(event, plain=plain)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            refuse("doc.yaml", f"*{event.anchor} refers to nothing, or to itself.", line=_line(event))
        value, size = self._anchors[event.anchor]
        self._grow(size, event)  # before it is copied
        if self._wants_key():
            if not isinstance(value, str):
                refuse("doc.yaml", "A key has to be a text.", line=_line(event))
            self._key(value, event, merge=False)
        else:
            self._put(_copied(value, MAX_DEPTH - len(self._frames), event), event)

    def _grow(self, by: int, event: Any) -> None:
        self._count += by
        if self._count > MAX_NODES:
            refuse("doc.too_large", f"The document has more than {MAX_NODES:,} values.", line=_line(event))

    def _wants_key(self) -> bool:
        frame = self._frames[-1] if self._frames else None
        return frame is not None and isinstance(frame.value, dict) and frame.key is None and not frame.merging

    def _key(self, key: str, event: Any, *, merge: bool) -> None:
        frame = self._frames[-1]
        if merge:
            frame.merging = True
        elif key in frame.value and not frame.merging:
            refuse("doc.repeated_key", f"The key `{key}` is there twice.", "Keep one of the two.", line=_line(event))
        else:
            frame.key = key

    def _put(self, value: Any, event: Any) -> None:
        if not self._frames:
            self.result = value
            return
        frame = self._frames[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.merging:
            frame.merging = False
            frame.merged += _mappings(value, event)
        else:
            assert frame.key is not None
            frame.value[frame.key] = value
            frame.key = None


def _mappings(value: Any, event: Any) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        refuse("doc.yaml", "Only mappings can be merged with `<<`.", line=_line(event))
    return sources


def _copied(value: Any, depth: int, event: Any) -> Any:
    if isinstance(value, (dict, list)) and depth <= 0:
        refuse("doc.too_deep", "The document is nested too deeply.", line=_line(event))
    if isinstance(value, dict):
        return {key: _copied(item, depth - 1, event) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item, depth - 1, event) for item in value]
    return value


def _resolve(event: Any, *, plain: bool) -> Any:
    text: str = event.value
    if plain:
        return _plain_value(text, event)
    tag: str | None = event.tag
    if tag in (None, "!", _TAG + "str"):
        return text
    if tag == "!inline":  # some writers leave out the quotes of '!inline name.py'
        return f"!inline {text}"
    value = _plain_value(text, event) if tag in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null") else text
    if isinstance(value, str):
        refuse("doc.yaml", f"The tag {tag} is not supported here.", line=_line(event))
    return value


def _plain_value(text: str, event: Any) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        try:
            return int(text, base) if base == 10 else int(text[2:], base)
        except ValueError:  # more digits than Python converts
            refuse("doc.yaml", "This number is too long.", line=_line(event))
    number = float(text) if _FLOAT.fullmatch(text) else None
    if _NOT_FINITE.fullmatch(text) or (number is not None and not math.isfinite(number)):
        refuse("doc.yaml", f"{text} is not a JSON value.", "Write null, or a number.", line=_line(event))
    return text if number is None else number


def _line(event: Any) -> int | None:
    return event.start_mark.line + 1 if event.start_mark is not None else None


# --- writing


def write(value: Any) -> str:
    """YAML text of a JSON value.

    Raises:
        DocumentInvalid: a string holds half of a surrogate pair, or the value is no JSON of a reasonable size.
    """
    problems = check(value)
    if problems:
        raise DocumentInvalid(problems)
    lines: list[str] = []
    _write(value, "", "", lines)
    text = "\n".join(lines) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:
        refuse("doc.yaml", "A text holds half of a character, for which YAML has no form.", "Export JSON instead.")
    return text


def _write(value: Any, head: str, indent: str, lines: list[str]) -> None:
    """Append the value. `head` is what the first line begins with ("key:", "- "), `indent` that of the value's own lines."""
    if isinstance(value, dict) and value:
        _open_block(head, lines)
        joined = head.endswith("- ")
        for key, item in value.items():
            start = head if joined else indent
            joined = False
            _write_entry(key, item, start, indent, lines)
    elif isinstance(value, list) and value:
        _open_block(head, lines)
        joined = head.endswith("- ")
        for item in value:
            start = head if joined else indent
            joined = False
            _write(item, f"{start}- ", f"{indent}  ", lines)
    else:
        text = _scalar(value, indent)
        lines.append(f"{head} {text}" if head and not head.endswith(" ") else f"{head}{text}")


def _open_block(head: str, lines: list[str]) -> None:
    if head and not head.endswith("- "):
        lines.append(head)


def _write_entry(key: str, item: Any, start: str, indent: str, lines: list[str]) -> None:
    shown = _text(key, None)
    if len(shown) > _LONGEST_SIMPLE_KEY:
        lines.append(f"{start}? {shown}")
        _write(item, f"{indent}:", f"{indent}  ", lines)
    else:
        _write(item, f"{start}{shown}:", f"{indent}  ", lines)


def _scalar(value: Any, indent: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, indent)
    if isinstance(value, float):
        shown = repr(value)
        # 1e+20 is a number in YAML 1.2 only, 1.0e+20 in 1.1 as well
        return shown.replace("e", ".0e") if "e" in shown and "." not in shown else shown
    if isinstance(value, int):
        return str(value)
    return "{}" if isinstance(value, dict) else "[]"


def _text(text: str, indent: str | None) -> str:
    """A string; `indent` is that of a literal block for it, None where no block can be (a key)."""
    if indent is not None and "\n" in text and text.strip() and not _UNPRINTABLE.search(text):
        return _block(text, indent or "  ")
    if _PLAIN.fullmatch(text) and not text.endswith((" ", ":")) and not _OTHER_TYPE.fullmatch(text):
        return text
    if (
        "\n" in text
        or "\t" in text
        or _UNPRINTABLE.search(text)
        or ("'" in text and '"' not in text and "\\" not in text)
    ):
        return _quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _quoted(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: _escaped(match.group()), json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    # A surrogate stays as it is: `write` refuses the text.
    return character if "\ud800" <= character <= "\udfff" else f"\\u{ord(character):04x}"


def _block(text: str, indent: str) -> str:
    # Where the first line is blank or begins with white space, a reader cannot see the indentation by itself. It is
    # counted from that of the parent, which is always two less.
    indicator = "2" if text[0] in " \t\n" else ""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    chomping = "-" if ends == 0 else "" if ends == 1 else "+"
    lines = [f"{indent}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([f"|{indicator}{chomping}", *lines, *[""] * (ends - 1 if ends > 1 else 0)])
