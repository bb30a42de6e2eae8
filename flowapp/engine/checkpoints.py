"""What a workflow as code has got so far, as its client reads it: results of steps by their keys.

Steps are recorded directly below the script's own row, at `<its path>/<key>`. A key may be any text; what would mean something in a
path is written in percent escapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flowapp.engine.values import Status
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.masks import masked_error

SUSPENDED = "suspended"
"""In the meta of a step that is a sleep or an approval: the script's own record of it."""
TOLD = "told"
"""In the meta of an approval that is not asked yet: the script has taken its links, to tell people itself."""
LONGEST_KEY = 200
MOST_STEPS = 10_000
"""Steps of one workflow: its code reads the results of all of them each time that it begins again."""
LARGEST = 64 << 20
"""Characters of these results together."""
TOO_MUCH = f"A workflow has at most {MOST_STEPS} steps, with {LARGEST >> 20} MB of results together."
MARK = "__wmill_error"
"""In a step's result, as clients read and send it: the step has failed."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def id_of_key(key: str) -> str:
    """The step id under which a key is recorded."""
    if _PLAIN.fullmatch(key):
        return key
    return quote(key, safe="").replace(".", "%2E").replace("~", "%7E")


def path_of(inner: str, key: str) -> str:
    """Where a step is recorded; `inner` is the place of the script's steps (`steps.inner_path`)."""
    return f"{inner}/{id_of_key(key)}"


def is_key(key: Any) -> bool:
    """Whether something can be the key of a step."""
    return isinstance(key, str) and 0 < len(key) <= LONGEST_KEY and key.isprintable()


def marker(key: str, value: JsonText, job: str = "") -> JsonText:
    """What clients read of a failed step; `value` is what is kept of it, `{"error": …}`. `job` is the id of a task's job."""
    found = loads(value)
    error = found.get("error") if isinstance(found, Mapping) else None
    message = str(error.get("message") or "") if isinstance(error, Mapping) else ""
    child = {"child_job_id": job} if job else {}
    return dumps({MARK: True, "message": message, "step_key": key, **child, "result": found})


def kept(result: Any, secrets: frozenset[str] = frozenset()) -> tuple[Status, JsonText]:
    """How a step that the script ran itself is recorded: a failed one comes with the client's mark, and is kept without `secrets`."""
    if not isinstance(result, Mapping) or result.get(MARK) is not True:
        return "success", dumps(result)
    given = result.get("result")
    error = given.get("error") if isinstance(given, Mapping) else None
    if not isinstance(error, Mapping):
        error = {"name": "Error", "message": str(result.get("message") or "")}
    return "failure", dumps({"error": masked_error(error, secrets)})


def without(record: JsonText, secrets: frozenset[str]) -> JsonText:
    """The record that a script's process ended with, without secrets where it is one of a step that has failed."""
    if MARK not in record or not secrets:
        return record
    found = loads(record)
    if not isinstance(found, Mapping) or found.get("type") != "inline_checkpoint":
        return record
    status, value = kept(found.get("result"), secrets)
    return record if status == "success" else dumps({**found, "result": {MARK: True, "result": loads(value)}})


def steps_of(completed: Mapping[str, JsonText]) -> JsonText:
    """The results so far, as one object."""
    return JsonText(f"{{{','.join(f'{dumps(key)}:{value}' for key, value in completed.items())}}}")


def text_of(steps: JsonText, executing: str = "") -> JsonText:
    """The checkpoint that a process gets: `steps_of`, and the key of the task that it is there for."""
    task = f',"_executing_key":{dumps(executing)}' if executing else ""
    return JsonText(f'{{"completed_steps":{steps}{task}}}')
