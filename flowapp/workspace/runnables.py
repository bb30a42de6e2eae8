"""What is asked to run, and what that means: a flow document with what its runs need to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.languages import by_name
from flowapp.openflow.walk import walk
from flowapp.workspace.errors import BadRequest

Kind = Literal["flow", "flowpreview", "script", "preview"]
#: The one module of a single script.
SCRIPT_STEP = "a"
#: What a stored script says of its runs in the words of a flow.
DEBOUNCING = (
    "debounce_delay_s",
    "debounce_key",
    "debounce_args_to_accumulate",
    "max_total_debouncing_time",
    "max_total_debounces_amount",
)
HUB = "hub/"


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a run starts: `kind` is ui, api, webhook, schedule, …; with an `event` a preprocessor works on that first.

    `event` is asked only where there is a preprocessor.
    """

    kind: str
    event: Callable[[], Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """What to run.

    `flow` and `script` name something stored: by `path`, or by `version_id` (a flow version over all flows) and `hash`.
    `flowpreview` brings a `document`, `preview` brings `code` in a `language`. `scheduled_for` is an aware time. `retry`,
    `timeout_s` and `cache_ttl` are those of a module. `restarted_from` is what engine/restart.py made of it. `around` is a
    flow that runs in place of what is named, and runs that in one of its steps: a schedule's retries and conditions.
    """

    kind: Kind
    args: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    hash: str | None = None
    version: int | None = None
    version_id: int | None = None
    document: JsonText | None = None
    code: str = ""
    language: str = ""
    lock: str | None = None
    parent_job: str | None = None
    root_job: str | None = None
    scheduled_for: datetime | None = None
    schedule: str | None = None
    trigger: Trigger | None = None
    skip_preprocessor: bool = False
    tag: str = ""
    job_id: str | None = None
    timeout_s: float | None = None
    cache_ttl: float | None = None
    retry: Mapping[str, Any] | None = None
    memory_id: str | None = None
    restarted_from: JsonText | None = None
    stored_args: str | None = None
    around: JsonText | None = None
    function: str = ""
    """Of a task: the function of the code that runs. Whoever asks for one has been asked whether it may run that code."""
    private: bool = False
    """Only for who starts it, however open what runs is."""


@dataclass(frozen=True, slots=True)
class Runnable:
    """What a `Start` turned out to mean."""

    document: JsonText
    path: str
    summary: str = ""
    version: int | None = None
    hash: str | None = None
    language: str | None = None
    tag: str = ""
    priority: int = 0
    preprocessed: bool = False
    private: bool = False
    on_behalf: str | None = None
    """The email of the person whose rights the run has, where that is not who starts it."""


def flow_preview(start: Start) -> Runnable:
    """A flow that the request brings.

    Raises:
        BadRequest: it is none.
    """
    document = loads(start.document) if start.document is not None else None
    value = document.get("value") if isinstance(document, Mapping) else None
    modules = value.get("modules") if isinstance(value, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(value, Mapping) or not isinstance(modules, list):
        raise BadRequest("A flow preview needs a value with a list of modules.", 'Send {"value": {"modules": […]}}.')
    text = dumps(document)
    return Runnable(
        with_settings(text, start),
        start.path,
        str(document.get("summary") or ""),
        tag=str(value.get("tag") or ""),
        priority=priority_of(value),
        preprocessed=is_preprocessed(text),
    )


def script_preview(start: Start) -> Runnable:
    """Code that the request brings.

    Raises:
        BadRequest: there is no such language.
    """
    if by_name(start.language) is None:
        raise BadRequest(f"There is no language {start.language!r}.", "Languages are python3, bun, deno, bash, …")
    value = {"type": "rawscript", "content": start.code, "language": start.language}
    if start.lock is not None:
        value["lock"] = start.lock
    if start.path:
        value["path"] = start.path
    return Runnable(one_step(value, start), start.path, language=start.language)


def one_step(
    value: Mapping[str, Any], start: Start, *, preprocessed: bool = False, whole: Mapping[str, Any] | None = None
) -> JsonText:
    """A script as the one step of a flow; `whole` are settings that the script has for its runs."""
    module: dict[str, Any] = {
        "id": SCRIPT_STEP,
        "value": {**value, "input_transforms": {}},
        "pass_flow_input_directly": True,
    }
    if preprocessed:
        module["apply_preprocessor"] = True
    if start.timeout_s is not None:
        module["timeout"] = {"type": "static", "value": start.timeout_s}
    if start.cache_ttl is not None:
        module["cache_ttl"] = start.cache_ttl
    if start.retry is not None:
        module["retry"] = dict(start.retry)
    return dumps({"summary": "", "value": {"modules": [module], **(whole or {})}})


def is_preprocessed(document: JsonText) -> bool:
    """Whether the flow does something with the event that starts it: by a module of its own, or by that of a step."""
    if "preprocessor" not in document:
        return False
    flow = loads(document)
    return bool(flow["value"].get("preprocessor_module")) or any(
        place.module.get("apply_preprocessor") is True for place in walk(flow)
    )


def with_settings(document: JsonText, start: Start) -> JsonText:
    """The flow with what the request sets for it."""
    if start.cache_ttl is None:
        return document
    flow = loads(document)
    return dumps({**flow, "value": {**flow["value"], "cache_ttl": start.cache_ttl}})


def priority_of(value: Mapping[str, Any]) -> int:
    """The priority that settings name, 0 where there is none."""
    found = value.get("priority")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
