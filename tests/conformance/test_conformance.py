"""The conformance cases, run by the engine with everything real: SQLite, QuickJS processes, runtimes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_asyncio

from flowapp.engine import Engine
from flowapp.expressions import Evaluator
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes import Runtimes, RuntimeSettings
from flowapp.store.runs import NewRun
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

FOLDER = Path(__file__).parent / "flows"
CASES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

#: what the engine refuses before the first step
REFUSED = {
    "script_by_path_with_default": "steps that call stored scripts",
    "subflow_by_path": "steps that call other flows",
    "suspend_disapproved_fails_flow": "approval steps",
    "suspend_resume_payload": "approval steps",
    "suspend_timeout_fails_flow": "approval steps",
    "suspend_two_events": "approval steps",
}
#: what needs a part of the server that is not there yet: starting in another way, or a client inside the step
NOT_YET = {
    "env_flow_step_id": "tokens for jobs (WM_TOKEN)",
    "preprocessor_on_webhook": "webhooks, which are what a preprocessor works for",
    "restart_from_later_step_after_success": "restarting a run from a step",
    "retry_constant_succeeds": "the wmill client inside a step (flow user state)",
    "retry_if_true_retries": "the wmill client inside a step (flow user state)",
    "state_persists_across_runs": "the wmill client inside a step (script state)",
}
RUN = [name for name in CASES if name not in REFUSED and name not in NOT_YET]


class Stored:
    """Variables and resources of the case at hand."""

    def __init__(self) -> None:
        self.setup: dict[str, Any] = {}

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        for item in self.setup.get(f"{kind}s", []):
            if item["path"] == path:
                return dumps(item["value"])
        return None


class Server:
    """An engine with its own data folder."""

    def __init__(self, store: Store, engine: Engine, stored: Stored) -> None:
        self.store, self.engine, self.stored = store, engine, stored

    async def run(self, flow: dict[str, Any], args: Any) -> tuple[RunRow, Any]:
        values = self.store.values
        document, given = await values.put_value(dumps(flow)), await values.put_value(dumps(args))
        new = NewRun("main", "flow", document, given, "admin", permissioned_as="u/admin")
        run = await self.store.runs.create(new)
        await self.engine.start_run(run.id)
        ended = await self.engine.finished(run.id)
        assert ended.result is not None
        return ended, loads(await values.get_value(ended.result))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    home = tmp_path_factory.mktemp("home")
    store = await Store.open("", home)
    evaluator, runtimes, stored = (
        Evaluator(),
        Runtimes(RuntimeSettings(home=home, idle=4, min_isolation="none")),
        Stored(),
    )
    await evaluator.start()
    await runtimes.start()
    engine = Engine(store, evaluator, runtimes)
    engine.secrets = stored
    await engine.start()
    yield Server(store, engine, stored)
    await engine.close()
    await runtimes.close()
    await evaluator.close()
    await store.close()


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: `true` is not `1`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def matches(found: Any, part: Any) -> bool:
    """`result_match`."""
    if isinstance(part, dict):
        return isinstance(found, dict) and all(key in found and matches(found[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(found, list) and len(found) == len(part) and all(map(matches, found, part))
    return same(found, part)


def check(expect: dict[str, Any], run: RunRow, result: Any, seconds: float) -> None:
    """Compare a finished run with what the case says."""
    assert (not run.failed) == expect["success"], result
    if "result" in expect:
        assert same(result, expect["result"]), result
    if "result_match" in expect:
        assert matches(result, expect["result_match"]), result
    if "error_name" in expect:
        assert result["error"]["name"] == expect["error_name"]
    if "error_message_contains" in expect:
        assert expect["error_message_contains"].lower() in json.dumps(result).lower()
    if "skipped" in expect:
        assert (run.status == "skipped") == expect["skipped"]
    assert expect.get("min_seconds", 0) <= seconds <= expect.get("max_seconds", 600)


@pytest.mark.parametrize("name", CASES)
def test_case_is_well_formed(name: str) -> None:
    schema = json.loads((FOLDER.parent / "case.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(CASES[name])
    assert CASES[name]["name"] == name


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", RUN)
async def test_case(server: Server, name: str) -> None:
    case = CASES[name]
    unknown = case.keys() & {"resume", "restart", "sync_result", "scripts", "flows"} | ({"trigger"} & case.keys())
    assert not unknown, f"the case needs {unknown}"
    server.stored.setup = case.get("setup", {})
    results = []
    for number in range(case.get("runs", 1)):
        args = case["args_per_run"][number] if "args_per_run" in case else case["args"]
        started = time.monotonic()
        run, result = await server.run(case["flow"], args)
        check(case["expect"], run, result, time.monotonic() - started)
        results.append(result)
    for step_id, expected in case.get("expect_steps", {}).items():
        step = await server.store.runs.step(run.id, step_id)
        assert step is not None
        assert step.result is not None
        assert same(loads(await server.store.values.get_value(step.result)), expected)
    if "expect_runs" in case:
        assert same(results, case["expect_runs"])
    if "expect_same_across_runs" in case:
        assert all(same(result, results[0]) for result in results) == case["expect_same_across_runs"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_run_is_refused_by_name(server: Server, name: str) -> None:
    run, result = await server.run(CASES[name]["flow"], CASES[name]["args"])
    assert run.failed
    assert result["error"]["name"] == "Unsupported"
    assert "not supported by this version" in result["error"]["message"]
    assert await server.store.runs.steps(run.id) == []
