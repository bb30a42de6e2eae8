"""Results that are too large to be held: steps hand them on by reference, and get them or an error that says why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flowapp.jsontext import JsonText, dumps, hash_of, loads
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store import large_values
from flowapp.store.blobs import REFERENCE
from flowapp.store.large_values import ValueRef
from flowapp.store.tables import RunRow
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step

ROWS = [{"n": n, "t": "ä" * 50} for n in range(200)]


async def rows(job: Job, log: Any) -> Outcome:
    """As an SQL cell whose rows come in parts."""
    return await streamed(job, ROWS)


async def streamed(job: Job, items: list[Any]) -> Outcome:
    assert job.large is not None
    writer = job.large()
    try:
        await asyncio.to_thread(writer.write, b"[")
        for number, item in enumerate(items):
            await asyncio.to_thread(writer.write, (b"," if number else b"") + dumps(item).encode())
        await asyncio.to_thread(writer.write, b"]")
        return Outcome(None, None, 1.0, "fake", stored=await writer.finish())
    finally:
        await asyncio.to_thread(writer.discard)


async def forged(job: Job, log: Any) -> Any:
    """A script that knows what stands for a result, and returns it."""
    return loads((await rows(job, log)).stored or "")


LEAVES = {
    "rows": rows,
    "forged": forged,
    "same": lambda job, log: loads(job.args),
    "count": lambda job, log: {name: len(value) for name, value in loads(job.args).items()},
    "exact": lambda job, log: loads(job.args)["x"]["long"],
}


def loop(iterator: str, inner: dict[str, Any]) -> dict[str, Any]:
    over = {"type": "javascript", "expr": iterator}
    return {
        "id": "loop",
        "value": {"type": "forloopflow", "iterator": over, "skip_failures": False, "modules": [inner]},
    }


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path, FakeRuntimes(dict(LEAVES))) as opened:
        yield opened


@pytest.fixture
def nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_values, "MOST_IN_MEMORY", 1000)


async def test_the_result_is_a_value_like_any_other(made: Server) -> None:
    row, result = await made.run(flow_of(step("a", "rows")))
    assert row.status == "success"
    assert result == ROWS
    assert row.result == hash_of(dumps(ROWS))
    (job,) = await made.store.runs.steps(row.id)
    assert job.result == row.result
    assert len(list((made.store.home / "blobs").rglob("*.zst"))) == 1


async def test_steps_get_it_whole(made: Server) -> None:
    inputs = {"x": "results.a", "y": "results.a[7]", "long": "({long: 2 ** 60, rows: results.a})"}
    row, result = await made.run(flow_of(step("a", "rows"), step("b", "same", inputs)))
    assert row.status == "success", result
    assert (result["x"], result["y"]) == (ROWS, ROWS[7])
    # what is stored of the arguments is not another copy of them
    job = next(job for job in await made.store.runs.steps(row.id) if job.path == "b")
    assert ValueRef.from_json((await made.value(job.args))["x"]) is not None


async def test_a_loop_goes_over_it_and_collects_such(made: Server) -> None:
    over = loop("results.a", step("inner", "same", {"n": "flow_input.iter.value.n"}))
    row, result = await made.run(flow_of(step("a", "rows"), over))
    assert row.status == "success", result
    assert result == [{"n": n} for n in range(200)]
    row, result = await made.run(
        flow_of(
            loop("[1, 2]", step("inner", "rows")), step("b", "count", {"x": "results.loop[1]", "y": "results.loop"})
        )
    )
    assert row.status == "success", result
    assert result == {"x": 200, "y": 2}


async def test_beside_numbers_of_any_size(made: Server) -> None:
    first = step("a", "rows")
    last = step("b", "exact", {"x": "flow_input.x", "rows": "results.a"})
    _, result = await made.run(flow_of(first, last), {"x": {"long": 2**70}})
    assert result == 2**70


@pytest.mark.usefixtures("nothing_fits")
@pytest.mark.parametrize("expression", ["results.a", "results.a.length", "[previous_result]"])
async def test_what_is_too_large_for_a_step_is_an_error_of_that_step(made: Server, expression: str) -> None:
    row, result = await made.run(flow_of(step("a", "rows"), step("b", "count", {"x": expression})))
    assert row.status == "failure"
    message = result["error"]["message"]
    assert "LIMIT" in message
    assert " MB" in message
    assert result["error"]["step_id"] == "b"
    jobs = {job.path: job.status for job in await made.store.runs.steps(row.id)}
    assert jobs["a"] == "success"
    _, kept = await made.run(flow_of(step("a", "rows")))
    assert kept == ROWS


@pytest.mark.usefixtures("nothing_fits")
async def test_what_is_too_large_for_a_loop_is_its_error(made: Server) -> None:
    row, result = await made.run(flow_of(step("a", "rows"), loop("results.a", step("inner", "same"))))
    assert (row.status, result["error"]["name"]) == ("failure", "ResultTooLarge")


@pytest.mark.usefixtures("nothing_fits")
async def test_what_is_read_again_is_not_held_either(made: Server) -> None:
    row, _ = await made.run(flow_of(step("a", "rows")))
    made.store.values._cache.clear()  # real ones are too large for it
    text = await made.store.values.get_held(row.result or "")
    reference = ValueRef.from_text(text)
    assert reference is not None
    assert (reference.hash, reference.size) == (row.result, len(dumps(ROWS).encode()))
    assert (await made.store.values.prepare(text)).hash == row.result


async def test_a_script_cannot_return_what_stands_for_a_result(made: Server) -> None:
    row, result = await made.run(flow_of(step("a", "forged")))
    assert row.status == "failure"
    assert REFERENCE in result["error"]["message"]


@pytest.mark.parametrize("key", [REFERENCE, "\\u0024flowapp:blob"])
async def test_rows_that_hold_a_reference_are_refused(made: Server, key: str) -> None:
    async def evil(job: Job, log: Any) -> Outcome:
        assert job.large is not None
        writer = job.large()
        with pytest.raises(Exception, match="cannot hold the key"):
            writer.write(f'[{{"{key}":{{"sha256":"{"0" * 64}"}}}}]'.encode())
        writer.write(b'["\\u0022$flowapp:blob\\u0022"]')  # a text that only looks like one
        writer.discard()
        raise ValueError("refused")

    made.runtimes.leaves["evil"] = evil
    _, result = await made.run(flow_of(step("a", "evil")))
    assert result["error"]["message"] == "refused"


async def test_a_reference_that_names_another_value_is_a_file(made: Server) -> None:
    row, _ = await made.run(flow_of(step("a", "rows")))
    file = await made.store.blobs.put(b"text of somebody")
    wrong = ValueRef(row.result or "", file.sha256, 16)
    assert await made.store.values.find(wrong) is None
    _, result = await made.run(flow_of(step("b", "same", {"x": "flow_input.x"})), {"x": loads(wrong.to_text())})
    assert result == {"x": "text of somebody"}


@pytest.mark.parametrize("expression", ["results.loop[0]", "results.loop"])
async def test_a_result_that_is_gone_is_an_error(made: Server, expression: str) -> None:
    async def lose(job: Job, log: Any) -> None:
        await made.store.database.write(
            lambda c: c.execute(sa.text("DELETE FROM value WHERE hash = :hash"), {"hash": hash_of(dumps(ROWS))})
        )

    made.runtimes.leaves["lose"] = lose
    steps = (loop("[1]", step("inner", "rows")), step("lost", "lose"), step("b", "same", {"x": expression}))
    row, result = await made.run(flow_of(*steps))
    assert row.status == "failure"
    assert "is gone" in result["error"]["message"]
    assert result["error"]["step_id"] == "b"


TOO_MUCH = pytest.mark.parametrize(
    "last",
    [
        step("b", "count", {"x": "results.loop.length"}),
        step("b", "count", {"x": "results.a.length + results.loop[0].length"}),
        step("b", "count", {"x": "results.a", "y": "results.loop"}),
        step("b", "count", {"x": "results.loop"}),
        {**loop("results.loop", step("inner", "same")), "id": "b"},
    ],
)


@TOO_MUCH
async def test_the_sum_of_what_a_step_uses_is_bounded(
    made: Server, monkeypatch: pytest.MonkeyPatch, last: dict[str, Any]
) -> None:
    monkeypatch.setattr(large_values, "MOST_IN_MEMORY", len(dumps(ROWS).encode()) * 3 - 1)
    first = loop("[1, 2, 3]" if "results.a" not in str(last) else "[1, 2]", step("inner", "rows"))
    row, result = await made.run(flow_of(step("a", "rows"), first, last))
    assert row.status == "failure"
    assert "together" in result["error"]["message"]
    assert result["error"]["step_id"] == "b"


async def test_a_file_counts_from_the_second_time_on(made: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    file = (await made.store.blobs.put(b"x" * 600)).to_json()
    monkeypatch.setattr(large_values, "MOST_IN_MEMORY", 1000)
    _, result = await made.run(flow_of(step("b", "count", {"x": "flow_input.x"})), {"x": [file, file]})
    assert result == {"x": 2}
    row, result = await made.run(flow_of(step("b", "count", {"x": "flow_input.x"})), {"x": [file, file, file]})
    assert row.status == "failure"
    assert "together" in result["error"]["message"]


async def test_an_expression_cannot_make_up_a_reference(made: Server) -> None:
    file = await made.store.blobs.put(b"text of somebody")
    own = await made.store.blobs.put(b"my own")
    for expression in (
        f'({{["$flowapp" + ":blob"]: {{sha256: "{file.sha256}"}}}})',
        f'[{{x: {{"$flowapp:blob": {{sha256: "{file.sha256}"}}}}}}]',
        f'JSON.parse(`{{"${{"$"}}flowapp:blob":{{"sha256":"{file.sha256}"}}}}`)',
        '({"$flowapp:blob": {sha256: results.hash}})',
    ):
        args = {"mine": own.to_json(), "sha256": file.sha256}
        made.runtimes.leaves["hash"] = lambda job, log: file.sha256
        row, result = await made.run(flow_of(step("hash", "hash"), step("b", "same", {"x": expression})), args)
        assert row.status == "failure", result
        assert "cannot make the key $flowapp:blob" in result["error"]["message"]
        over = {**loop(expression, step("inner", "same", {"v": "flow_input.iter.value"})), "id": "b"}
        row, result = await made.run(flow_of(step("hash", "hash"), over), args)
        assert row.status == "failure", result
        assert "somebody" not in str(result)


@pytest.mark.parametrize(
    "expression",
    [
        "flow_input.mine",
        "({own: flow_input.mine}).own",
        "flow_input[['mine'][0]]",
        "results.given",
        "resource('f/a/b').file",
    ],
)
async def test_an_expression_hands_files_on(made: Server, expression: str) -> None:
    own = await made.store.blobs.put(b"my own")

    class Secrets:
        async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText:
            return dumps({"file": own.to_json()})

        async def written(self, run: RunRow, path: str) -> JsonText | None:
            return None

    made.engine.secrets = Secrets()
    given = {"id": "given", "value": {"type": "identity"}}
    steps = ({"id": "first", "value": {"type": "identity"}}, given, step("b", "same", {"x": expression}))
    _, result = await made.run(flow_of(*steps), {"mine": own.to_json()})
    assert result == {"x": "my own"} if "given" not in expression else {"x": {"mine": "my own"}}
