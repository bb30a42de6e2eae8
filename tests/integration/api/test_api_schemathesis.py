"""Generated requests for every operation of the OpenAPI document: nothing makes the server fail, no answer is undocumented.

Seeds are fixed, so a failure comes again. `FLOWAPP_EXAMPLES=50` makes more requests for each operation.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flowapp.api.app import openapi
from tests.live import TOKEN, live

EXAMPLES = int(os.environ.get("FLOWAPP_EXAMPLES", "3"))
SEED = 20_26
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
CODE = "def main(n: int = 1):\n    return n\n"
#: A stream that nothing ends.
ENDLESS = {"/api/w/{ws}/events"}
#: What a call for a job's result may answer when the job fails, or takes long.
OF_JOBS = ("/jobs/run_wait_result/", "/jobs/run_inline/")


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and things in it that addresses may name."""

    url: str
    names: dict[str, list[str]]


async def _filled(server: Any) -> dict[str, list[str]]:
    """Things of each kind, so that not every answer is that there is none."""
    await server.post("folders/create", {"name": "team"}, status=200)
    await server.post("groups/create", {"name": "people"}, status=200)
    flow = {"modules": [{"id": "a", "value": {"type": "rawscript", "language": "python3", "content": CODE}}]}
    await server.post("flows/create", {"path": "f/team/flow", "summary": "", "value": flow})
    script = {"path": "f/team/script", "summary": "", "content": CODE, "language": "python3"}
    hash_ = (await server.post("scripts/create", script)).text
    await server.post(
        "variables/create", {"path": "f/team/variable", "value": "v", "is_secret": True, "description": ""}
    )
    await server.post("resources/create", {"path": "f/team/resource", "value": {"a": 1}, "resource_type": "any"})
    schedule = {"path": "f/team/schedule", "schedule": "0 0 4 1 1 *", "timezone": "UTC", "is_flow": True}
    await server.post("schedules/create", {**schedule, "script_path": "f/team/flow", "args": {}, "enabled": False})
    draft = (await server.post("drafts", {"flow": {"summary": "", "value": flow}})).json()["id"]
    job = (await server.post("jobs/run/f/f/team/flow", {})).text
    await server.ended(job)
    paths = [f"f/team/{kind}" for kind in ("flow", "script", "variable", "resource", "schedule")]
    return {
        "path": paths,
        "hash": [hash_],
        "draft_id": [draft],
        "job_id": [job],
        "run_id": [job],
        "name": ["team", "people", "admin", "any"],
        "kind": ["folder", "script", "flow"],
        "node_id": ["a"],
        "step_id": ["a"],
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server with a loop of its own: the requests are made by threads that wait."""
    ready: Future[Place] = Future()
    stop = threading.Event()

    async def serve(home: Path) -> None:
        async with live(home, wait_s=1) as server:
            ready.set_result(Place(server.url, await _filled(server)))
            await asyncio.to_thread(stop.wait)

    def run() -> None:
        try:
            asyncio.run(serve(tmp_path_factory.mktemp("schemathesis")))
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ready.result(60)
    finally:
        stop.set()
        thread.join()


def _document(names: dict[str, list[str]]) -> dict[str, Any]:
    """The document, with parameters of paths that mostly name what is there."""
    made = copy.deepcopy(openapi())
    for path in ENDLESS:
        del made["paths"][path]
    for item in made["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    known = ["main"] if parameter["name"] == "ws" else names.get(parameter["name"])
                    if known:
                        also = [] if parameter["name"] == "ws" else [{"type": "string", "minLength": 1}]
                        parameter["schema"] = {"anyOf": [{"enum": known}, *also]}
    return made


def _of_a_job(response: Any) -> bool:
    """Whether an answer is the error of a job, which is JSON, or says that the job takes longer; not one of the server."""
    kind = str(response.headers.get("content-type", [""])[0])
    return bool(response.status_code == 504 or (response.status_code == 500 and kind.startswith("application/json")))


def _can_be_broken(operation: Any) -> bool:
    """Whether the document says anything of what is sent."""
    return bool(list(operation.iter_parameters()) or operation.body)


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("default", "ignore:Do not use the `random` module")  # schemathesis does, inside of its own
def test_nothing_fails_and_no_answer_is_undocumented(place: Place) -> None:
    schema = schemathesis.openapi.from_dict(_document(place.names))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    failures: dict[str, str] = {}
    requests = 0
    tried: set[str] = set()
    # what is as the document says, and what breaks it: values of another kind, fields left out, texts where numbers are wanted
    asked = itertools.product(schema.get_all_operations(), (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    for result, mode in asked:
        assert isinstance(result, Ok), result
        operation = result.ok()
        tried.add(operation.label)
        if mode is GenerationMode.NEGATIVE and not _can_be_broken(operation):
            continue

        @seed(SEED)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            nonlocal requests
            requests += 1
            case.headers = {**(case.headers or {}), **headers}
            response = case.call(base_url=place.url, timeout=30)
            said = f"{response.status_code} {response.content[:300]!r}"
            of_job = any(part in case.path for part in OF_JOBS) and _of_a_job(response)
            assert response.status_code < 500 or of_job, f"{case.as_curl_command()}\n{said}"
            case.validate_response(response, checks=CHECKS)

        try:
            check()
        except (Exception, FailureGroup) as error:
            inner = getattr(error, "exceptions", [error])
            failures[f"{operation.label} ({mode.value})"] = "\n".join(str(one)[:1500] for one in inner)
    assert len(tried) == len(list(schema.get_all_operations())) and requests > 5 * len(tried)
    assert not failures, "\n\n".join(f"== {label}\n{said}" for label, said in failures.items())
