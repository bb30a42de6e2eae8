"""What a workflow's process may say, and what comes of what makes no sense: the record is user data."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine import checkpoints, workflows
from flowapp.engine.journal import RunJournal
from flowapp.engine.workflow_records import is_likely
from flowapp.jsontext import JsonText, loads
from flowapp.runtimes.jobs import Job
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step

CODE = "from wmill import workflow\n@workflow\nasync def main(): ..."


def runtimes(*records: Any) -> FakeRuntimes:
    """Processes that answer with these, one after the other; those of tasks with their key."""
    left = list(records)

    def leaf(job: Job, log: Any) -> Any:
        assert job.checkpoint is not None
        checkpoint = loads(job.checkpoint)
        key = checkpoint.get("_executing_key")
        if key is not None:
            if key.startswith("bad"):
                raise ValueError(key)
            return {"type": "sleep", "key": "x"} if key == "lost" else {"type": "complete", "result": key}
        record = left.pop(0)
        return {"type": "complete", "result": checkpoint["completed_steps"]} if record is None else record

    return FakeRuntimes({CODE: leaf})


def task(key: Any, **more: Any) -> dict[str, Any]:
    return {"name": "t", "script": "t", "args": {}, "key": key, "dispatch_type": "inline", **more}


def dispatch(*steps: Any) -> dict[str, Any]:
    return {"type": "dispatch", "mode": "parallel", "steps": list(steps)}


WRONG = {
    "no type": {"mode": "x"},
    "no object": [1],
    "a type that nobody knows": {"type": "fly", "key": "a"},
    "no key": {"type": "sleep", "seconds": 1},
    "a key that is no text": {"type": "sleep", "key": 7, "seconds": 1},
    "a long key": {"type": "inline_checkpoint", "key": "k" * 201, "result": 1},
    "no steps": {"type": "dispatch", "steps": []},
    "steps that are none": dispatch(1),
    "a task without arguments": dispatch({"name": "t", "script": "t", "key": "k"}),
    "a task with a key that is none": dispatch(task("")),
    "a task with the name of nothing": dispatch(task("k", name=None)),
    "a task with a name that no place can have": dispatch(task("k", name="t\0")),
    "a task with a long name": dispatch(task("k", name="t" * 201)),
    "a task with a script of no name": dispatch(task("k", script="f/a/\0", dispatch_type="script")),
    "a task with a tag that is none": dispatch(task("k", tag="gpu\0")),
    "a task with a tag that is no text": dispatch(task("k", tag={"a": 1})),
    "a task with a limit's key that is none": dispatch(task("k", concurrent_limit=1, concurrency_key="\ud800")),
    "a task with a limit's key that is no text": dispatch(task("k", concurrent_limit=1, concurrency_key=[1])),
    "two tasks with one key": dispatch(task("k"), task("l"), task("k")),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_what_makes_no_sense_fails_the_workflow(tmp_path: Path, wrong: Any) -> None:
    async with server(tmp_path, runtimes(wrong)) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
    assert row.status == "failure" and result["error"]["name"] == "WorkflowError"


async def test_results_are_handed_on_by_their_keys(tmp_path: Path) -> None:
    odd = "a/b.c~2 #ü"
    records = [
        dispatch(task("one", name="", script="", tag=None, concurrency_key=""), task("bad", tag="gpu"), task(odd)),
        {"type": "inline_checkpoint", "key": "kept", "result": {"x": 1}},
        {"type": "inline_checkpoint", "key": "broken", "result": {"__wmill_error": True, "message": "m"}},
        {"type": "sleep", "key": "sleep", "seconds": 0.01},
        None,
    ]
    async with server(tmp_path, runtimes(*records)) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
        steps = {each.path: each for each in await made.store.runs.steps(row.id)}
    assert row.status == "success"
    assert (result["one"], result[odd], result["kept"], result["sleep"]) == ("one", odd, {"x": 1}, None)
    assert result["bad"]["__wmill_error"] is True and result["bad"]["message"] == "bad"
    assert result["bad"]["child_job_id"] == steps["w/bad"].id
    assert (result["broken"]["message"], result["broken"]["step_key"]) == ("m", "broken")
    assert set(steps) == {
        "w",
        *(checkpoints.path_of("w", key) for key in ("one", "bad", odd, "kept", "broken", "sleep")),
    }
    assert all(path.count("/") <= 1 for path in steps)


async def test_a_task_that_comes_to_something_else_has_failed(tmp_path: Path) -> None:
    async with server(tmp_path, runtimes(dispatch(task("lost")), None)) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
    assert row.status == "success" and "did not run" in result["lost"]["message"]


async def test_a_workflow_that_wants_the_same_again_fails(tmp_path: Path) -> None:
    async with server(tmp_path, runtimes(dispatch(task("one")), dispatch(task("one")))) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
    assert row.status == "failure" and "which has ended" in result["error"]["message"]


AGAIN = {
    "result": {"type": "inline_checkpoint", "key": "k", "result": 1},
    "sleep": {"type": "sleep", "key": "k", "seconds": 0.01},
}


@pytest.mark.parametrize("record", AGAIN.values(), ids=AGAIN)
async def test_a_workflow_that_does_not_get_on_ends(tmp_path: Path, record: Any) -> None:
    """Its code would come to the same again and again."""
    async with server(tmp_path, runtimes(record, record, record)) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
        assert len(made.runtimes.jobs) == 2
    assert row.status == "failure" and "wants k again" in result["error"]["message"]


async def test_results_that_are_too_much_together_are_not_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "LARGEST", 100)
    read = list[str]()
    recall = RunJournal.recall

    async def counted(journal: RunJournal, path: str) -> Any:
        read.append(path)
        return await recall(journal, path)

    kept = [{"type": "inline_checkpoint", "key": f"k{n}", "result": f"{n}" * 60} for n in range(4)]
    tasks = dispatch(*(task(f"t{n}" * 30) for n in range(6)))
    async with server(tmp_path, runtimes(kept[0], tasks, None)) as made:
        monkeypatch.setattr(RunJournal, "recall", counted)
        row, result = await made.run(flow_of(step("w", CODE)))
    assert row.status == "failure" and "at most" in result["error"]["message"]
    assert len({path for path in read if path.startswith("w/t")}) < 6


async def test_large_checkpoints_are_few_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task gets all results so far: as many tasks at once as memory for that is meant for."""
    monkeypatch.setattr(workflows, "HELD_AT_ONCE", 1000)
    running, most = 0, 0

    async def leaf(job: Job, log: Any) -> Any:
        nonlocal running, most
        checkpoint = loads(job.checkpoint or "")
        if "_executing_key" in checkpoint:
            running += 1
            most = max(most, running)
            for _ in range(20):
                await asyncio.sleep(0)
            running -= 1
            return {"type": "complete", "result": 1}
        if "big" not in checkpoint["completed_steps"]:
            return {"type": "inline_checkpoint", "key": "big", "result": "x" * 400}
        done = len(checkpoint["completed_steps"]) > 1
        return {"type": "complete", "result": 2} if done else dispatch(*(task(f"t{n}") for n in range(8)))

    async with server(tmp_path, FakeRuntimes({CODE: leaf})) as made:
        row, result = await made.run(flow_of(step("w", CODE)))
    assert (row.status, result, most) == ("success", 2, 2)


async def test_a_retry_of_the_step_begins_with_nothing(tmp_path: Path) -> None:
    retry: dict[str, Any] = {"retry": {"constant": {"attempts": 1, "seconds": 0}}}
    async with server(tmp_path, runtimes(dispatch(task("one")), {"type": "fly"}, None)) as made:
        row, result = await made.run(flow_of(step("w", CODE, **retry)))
    assert (row.status, result) == ("success", {})


@pytest.mark.parametrize(
    ("language", "code", "likely"),
    [
        ("python3", CODE, True),
        ("python3", "import wmill\n@wmill.workflow\nasync def main(): ...", True),
        ("python3", "# a workflow\ndef main(): ...", False),
        ("python3", "x = '@workflow'\ndef main(): ...", False),
        ("bun", "export const main = workflow(async () => 1)", True),
        ("deno", "export default workflow<any>(async () => 1)", True),
        ("deno", "// workflow\nexport function main() {}", False),
        ("bash", "workflow(", False),
    ],
)
def test_which_scripts_may_be_workflows(language: str, code: str, likely: bool) -> None:
    assert is_likely(language, code) is likely


def test_texts_of_checkpoints() -> None:
    text = checkpoints.text_of(checkpoints.steps_of({'a"b': JsonText("[1]"), "c": JsonText("null")}), "k")
    assert loads(text) == {"completed_steps": {'a"b': [1], "c": None}, "_executing_key": "k"}
    assert loads(checkpoints.text_of(checkpoints.steps_of({}))) == {"completed_steps": {}}
