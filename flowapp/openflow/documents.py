"""Reading and writing OpenFlow documents: JSON, YAML, and the folder layout of the Windmill command line.

Reading what was written gives the same document, unknown keys and the order of keys included. A text that is not a
document is refused with the list of what is wrong and where (`DocumentInvalid`), never with a traceback, and never after
more memory or time than its size deserves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from flowapp.openflow import archive, folder, jsondata, yamltext
from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.models import OpenFlow
from flowapp.openflow.problems import Problem, pointer_of
from flowapp.openflow.walk import new_step_id, step_ids, walk

Format = Literal["json", "yaml"]
Flow = OpenFlow | Mapping[str, Any]

MAX_PROBLEMS = 100

_WANTED = {
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
}
"""What pydantic's error types ask for, in words for people."""


def parse(data: Any) -> OpenFlow:
    """The document as typed models.

    Args:
        data: the decoded document: dicts with string keys, lists, strings, numbers, booleans, None.

    Raises:
        DocumentInvalid: with every problem found, up to 100.
    """
    problems = jsondata.check(data)
    if problems:
        raise DocumentInvalid(problems)
    try:
        return OpenFlow.model_validate(data)
    except ValidationError as error:
        raise DocumentInvalid(_shape_problems(error, data)) from None


def shape_problems(data: Any) -> list[Problem]:
    """What keeps the value from being an OpenFlow document; empty when it is one."""
    try:
        parse(data)
    except DocumentInvalid as invalid:
        return invalid.problems
    return []


def read_text(text: str, format: Format | None = None) -> OpenFlow:
    """The document in a JSON or YAML text.

    Without a format, text that starts with a brace is tried as JSON first, and everything else is YAML.

    Raises:
        DocumentInvalid: the text cannot be read, or is no document.
    """
    return parse(_decode(text.removeprefix("\ufeff"), format))


def _decode(text: str, format: Format | None) -> Any:
    if format == "json":
        return jsondata.read(text)
    if format == "yaml" or not text.lstrip().startswith("{"):
        return yamltext.read(text)
    try:
        return jsondata.read(text)
    except DocumentInvalid:
        try:
            return yamltext.read(text)
        except DocumentInvalid:
            pass
        raise


def dump(flow: Flow) -> dict[str, Any]:
    """The document as plain JSON values, as it was read. The result may share parts with a mapping given."""
    return flow.model_dump(exclude_unset=True) if isinstance(flow, OpenFlow) else dict(flow)


def to_json(flow: Flow) -> str:
    """Indented JSON text, ending in a newline."""
    return jsondata.write(dump(flow))


def to_yaml(flow: Flow) -> str:
    """YAML text; code and other texts of several lines are literal blocks.

    Raises:
        DocumentInvalid: a string holds half of a surrogate pair, for which YAML has no form (JSON has).
    """
    return yamltext.write(dump(flow))


def to_folder(flow: Flow) -> dict[str, str]:
    """The document as files by name: `flow.yaml`, and the code and lock of each inline script in a file of its own.

    Raises:
        DocumentInvalid: as `to_yaml`.
    """
    return folder.write(dump(flow))


def from_folder(files: Mapping[str, str]) -> OpenFlow:
    """The document in the files of a flow's folder; names may have a common folder before them.

    Raises:
        DocumentInvalid: there is no `flow.yaml` or a file that it refers to is missing, or the result is no document.
    """
    return parse(folder.read(files))


def to_archive(flow: Flow, name: str) -> bytes:
    """The document's files as a zip archive of the folder `<name>.flow`.

    Raises:
        DocumentInvalid: as `to_yaml`.
    """
    return archive.pack(to_folder(flow), f"{name}.flow")


def from_archive(data: bytes) -> OpenFlow:
    """The document in a zip archive of one flow's folder.

    Raises:
        DocumentInvalid: the archive is refused (`archive.unpack`), has none or several flows, or as `from_folder`.
    """
    return from_folder(archive.unpack(data))


def fill_ids(flow: Flow) -> dict[str, Any]:
    """A copy of the document in which every module without an id has a new one."""
    copy: dict[str, Any] = json.loads(json.dumps(dump(flow)))
    taken = step_ids(copy)
    for place in walk(copy):
        if not place.step_id:
            place.module["id"] = place.slot if place.slot in ("failure", "preprocessor") else new_step_id(taken)
            taken.add(place.module["id"])
    return copy


def _shape_problems(error: ValidationError, data: Any) -> list[Problem]:
    found: dict[str, Problem] = {}
    for item in error.errors(include_url=False, include_input=False):
        keys = _located(item["loc"], data, missing=item["type"] == "missing")
        pointer = pointer_of(keys)
        message, hint = _worded(item["type"], item["msg"], keys, data)
        found.setdefault(pointer, Problem("doc.shape", "error", message, hint, pointer, _step_at(keys, data)))
    return list(found.values())[:MAX_PROBLEMS]


def _located(loc: tuple[str | int, ...], data: Any, *, missing: bool) -> list[str | int]:
    """Pydantic's location without the names of union members that it puts between the keys of the document."""
    keys: list[str | int] = []
    here = data
    for position, part in enumerate(loc):
        if part == "input_transforms" and isinstance(here, dict) and part not in here and "input_transform" in here:
            part = "input_transform"
        if _has(here, part):
            here = here[part]
        elif not (missing and position == len(loc) - 1):
            continue
        keys.append(part)
    return keys


def _has(here: Any, part: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, dict) and part in here


def _worded(kind: str, message: str, keys: list[str | int], data: Any) -> tuple[str, str]:
    name = f"`{keys[-1]}`" if keys else "The document"
    if kind == "missing":
        hint = ""
        if keys == ["value"] and isinstance(data, dict) and "modules" in data:
            hint = "This looks like the value of a flow. Put it under the key `value`."
        return f"{name} is missing.", hint
    if kind == "union_tag_not_found":
        return f"{name} has no `type`.", "Every module value and input transform says its `type`."
    if kind == "union_tag_invalid":
        return f"{name} is of a type that is not known. {_expected(message)}", ""
    wanted = _WANTED.get(kind)
    return (f"{name} has to be {wanted}." if wanted else f"{name} is not as it should be: {message}."), ""


def _expected(message: str) -> str:
    _, _, tags = message.partition("expected tags: ")
    return f"Known types: {tags}." if tags else ""


def _step_at(keys: list[str | int], data: Any) -> str | None:
    """The id of the innermost module around the place."""
    step_id = None
    here = data
    for key in keys:
        try:
            here = here[key]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(here, dict) and isinstance(here.get("id"), str) and "value" in here:
            step_id = here["id"]
    return step_id
