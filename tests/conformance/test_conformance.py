"""The conformance cases, run by the engine with everything real: SQLite, QuickJS processes, runtimes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest
import pytest_asyncio

from flowapp.engine import Engine
from flowapp.engine.values import StoredFlow, StoredScript
from flowapp.errors import FlowappError
from flowapp.expressions import Evaluator
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes import Runtimes, RuntimeSettings
from flowapp.store.approval_shapes import Answer
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from tests.conformance.cases import CASES, FOLDER, args_of, check, check_all, same

#: what needs a started server, and runs there (see the tests of the API): a client inside the step
OVER_HTTP = {
    "env_flow_step_id": "a token for the job (WM_TOKEN)",
    "loop_cache_sees_variables": "the wmill client inside a step (a variable)",
    "retry_constant_succeeds": "the wmill client inside a step (flow user state)",
    "retry_if_true_retries": "the wmill client inside a step (flow user state)",
    "state_persists_across_runs": "the wmill client inside a step (script state)",
}
RUN = [name for name in CASES if name not in OVER_HTTP]


class Stored:
    """Variables, resources, scripts and flows of the case at hand."""

    def __init__(self) -> None:
        self.setup: dict[str, Any] = {}

    def _find(self, kind: str, path: str) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = [item for item in self.setup.get(kind, []) if item["path"] == path]
        return found[0] if found else None

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        item = self._find(f"{kind}s", path)
        return None if item is None else dumps(item["value"])

    async def written(self, run: RunRow, path: str) -> JsonText | None:
        return await self.lookup(run, "resource", path)

    async def script(self, run: RunRow, path: str, hash: str | None) -> StoredScript:
        item = self._find("scripts", path)
        if item is None:
            raise FlowappError(f"There is no script {path}")
        return StoredScript(path, hash or "1", item["content"], item["language"])

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        item = self._find("flows", path)
        if item is None:
            raise FlowappError(f"There is no flow {path}")
        return StoredFlow(path, 1, dumps({"summary": "", "value": item["value"]}))


class Server:
    """An engine with its own data folder."""

    def __init__(self, store: Store, engine: Engine, stored: Stored, runtimes: Runtimes) -> None:
        self.store, self.engine, self.stored, self.runtimes = store, engine, stored, runtimes

    async def run(self, case: dict[str, Any], args: Any, **more: Any) -> tuple[RunRow, Any]:
        values = self.store.values
        document, given = await values.put_value(dumps(case["flow"])), await values.put_value(dumps(args))
        if case.get("trigger") == "webhook":
            event = await values.put_value(dumps({"kind": "webhook", "body": args, "headers": {}, "query": {}}))
            more["trigger"] = dumps({"kind": "webhook", "event": event})
        path = case.get("deploy_path", f"f/conformance/{case['name']}")
        new = NewRun("main", "flow", document, given, "admin", path=path, permissioned_as="u/admin", **more)
        run = await self.store.runs.create(new)
        await self.engine.start_run(run.id)
        await self._answer(run, case.get("resume", []))
        ended = await self.engine.finished(run.id)
        assert ended.result is not None
        return ended, loads(await values.get_value(ended.result))

    async def _answer(self, run: RunRow, answers: list[dict[str, Any]]) -> None:
        """What people say, once the step waits for it."""
        for number, said in enumerate(answers):
            job = job_id(run.id, said["step"])
            while await self.store.database.read(lambda c, job=job: self.store.approvals.of_job(c, job)) is None:  # type: ignore[misc]
                await asyncio.sleep(0.02)
            answer = Answer(
                job_id=job,
                resume_id=number,
                workspace="main",
                approved=said["approve"],
                run_id=run.id,
                payload=dumps(said["payload"]),
                approver=said.get("approver"),
            )
            await self.store.database.write(lambda c, answer=answer: self.store.approvals.decide(c, answer))  # type: ignore[misc]
            await self.engine.wake(run.id)


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
    engine.library = stored
    await engine.start()
    yield Server(store, engine, stored, runtimes)
    await engine.close()
    await runtimes.close()
    await evaluator.close()
    await store.close()


@pytest.mark.parametrize("name", CASES)
def test_case_is_well_formed(name: str) -> None:
    schema = json.loads((FOLDER.parent / "case.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(CASES[name])
    assert CASES[name]["name"] == name


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", RUN)
async def test_case(server: Server, name: str) -> None:
    case = CASES[name]
    if "bun" in case["tags"]:
        assert server.runtimes.describe()["languages"]["bun"]["runs_on"] == "bun"
    server.stored.setup = case.get("setup", {})
    results = []
    for args in args_of(case):
        started = time.monotonic()
        run, result = await server.run(case, args)
        compare(case["expect"], run, result, time.monotonic() - started)
        results.append(result)
    for step_id, expected in case.get("expect_steps", {}).items():
        step = await server.store.runs.step(run.id, step_id)
        assert step is not None
        assert step.result is not None
        assert same(loads(await server.store.values.get_value(step.result)), expected)
    check_all(case, results)
    if "restart" in case:
        await begin_again(server, case, run)


def compare(expect: dict[str, Any], run: RunRow, result: Any, seconds: float) -> None:
    check(expect, result, success=not run.failed, skipped=run.status == "skipped", seconds=seconds)


async def begin_again(server: Server, case: dict[str, Any], run: RunRow) -> None:
    """The case's `restart`: the run again from a step, and which steps ran anew."""
    wanted = case["restart"]
    restarted = dumps({"flow_job_id": run.id, "step_id": wanted["step_id"]})
    again, result = await server.run(case, case["args"], restarted_from=restarted)
    compare(wanted["expect"], again, result, 0)
    for names, same_result in ((wanted.get("same_steps", []), True), (wanted.get("different_steps", []), False)):
        for step_id in names:
            before, after = [await server.store.runs.step(each.id, step_id) for each in (run, again)]
            assert before is not None
            assert after is not None
            assert (before.result == after.result) == same_result
