"""The folder layout of the Windmill command line: `flow.yaml`, and each inline script in a file of its own.

`content` and a non-empty `lock` of a raw script become `!inline <file>`. Names are made as the command line makes them:
from the summary, or from the step id where there is no summary.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.languages import inline_extension
from flowapp.openflow import jsondata, yamltext
from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.problems import Problem
from flowapp.openflow.walk import id_of, tools, walk

DOCUMENT = "flow.yaml"
_MARK = "!inline "


def write(flow: Mapping[str, Any]) -> dict[str, str]:
    """The files of the document, `flow.yaml` first."""
    document = copy.deepcopy(dict(flow))
    files: dict[str, str] = {}
    taken: set[str] = set()
    for script, module, _ in _raw_scripts(document):
        base = _base_name(module, taken)
        if isinstance(script.get("content"), str):
            name = f"{base}.inline_script.{inline_extension(str(script.get('language') or ''))}"
            files[name] = script["content"]
            script["content"] = _MARK + name
        if isinstance(script.get("lock"), str) and script["lock"]:
            name = f"{base}.inline_script.lock"
            files[name] = script["lock"]
            script["lock"] = _MARK + name
    return {DOCUMENT: yamltext.write(document), **files}


def read(files: Mapping[str, str]) -> Any:
    """The decoded document, with the inline files put in their places.

    Raises:
        DocumentInvalid: there is none or more than one document, it cannot be read, or a file that it refers to is missing.
    """
    found = sorted((name for name in files if _is_document(name)), key=lambda name: (name.count("/"), name))
    if not found:
        jsondata.refuse("doc.folder", f"There is no {DOCUMENT} among the files.", "Give the folder of one flow.")
    if len(found) > 1:
        names = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
        jsondata.refuse(
            "doc.folder", f"There are {len(found)} flows among the files: {names}.", "Give the folder of one flow."
        )
    name = found[0]
    folder = name[: name.rfind("/") + 1]
    document = jsondata.read(files[name]) if name.endswith(".json") else yamltext.read(files[name])
    problems: list[Problem] = []
    for script, _, pointer in _raw_scripts(document if isinstance(document, dict) else {}):
        for key in ("content", "lock"):
            text = script.get(key)
            if not isinstance(text, str) or not text.startswith(_MARK):
                continue
            wanted = text.removeprefix(_MARK).strip().removeprefix("./")
            if folder + wanted in files:
                script[key] = files[folder + wanted]
            else:
                message = f"The file {wanted} is not there."
                problems.append(Problem("doc.folder", "error", message, "", f"{pointer}/{key}"))
    if problems:
        raise DocumentInvalid(problems)
    return document


def _is_document(name: str) -> bool:
    return name.rpartition("/")[2] in (DOCUMENT, "flow.yml", "flow.json")


def _raw_scripts(document: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    """(value, module, pointer of the value) of each raw script, those of agent tools included."""
    for place in walk(document):
        value = place.module.get("value")
        if isinstance(value, dict) and value.get("type") == "rawscript":
            yield value, place.module, f"{place.pointer}/value"
        inside = value.get("tools") if isinstance(value, dict) else None
        for tool in tools(place.module):
            script = tool.get("value")
            if isinstance(inside, list) and isinstance(script, dict) and script.get("type") == "rawscript":
                index = next(i for i, item in enumerate(inside) if item is tool)
                yield script, tool, f"{place.pointer}/value/tools/{index}/value"


def _base_name(module: Mapping[str, Any], taken: set[str]) -> str:
    summary = module.get("summary")
    text = summary if isinstance(summary, str) else id_of(module)
    clean = re.sub(r"[^a-z0-9_]", "", text.lower().replace(" ", "_"))
    stem, name = (clean, clean) if clean else ("inline_script", "inline_script_0")
    number = 0
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name
