"""The evaluator with real processes: what expressions may say, and what they cannot do."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.errors import FlowappError
from flowapp.expressions import Batch, Evaluator, Expression, ExpressionFailed, Limits
from flowapp.expressions.errors import EvaluatorUnavailable
from flowapp.jsontext import JsonText, dumps

RESULTS = {"a": dumps({"list": [{"n": i} for i in range(5)], "s": "abc"}), "b b": dumps(5), "nil": dumps(None)}
STORED = {"variable:f/a": dumps("A"), "resource:f/db": dumps({"host": "h", "next": "f/a"})}


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    made = Evaluator(Limits(seconds=1.5, kept=1, most=2))
    await made.start()
    yield made
    await made.close()


async def lookup(kind: str, path: str) -> JsonText | None:
    if path == "f/forbidden":
        raise FlowappError("You may not read f/forbidden")
    return STORED.get(f"{kind}:{path}")


def batch(*texts: str, predicate: bool = False, **scope: Any) -> Batch:
    given = {"flow_input": {"k": "a", "n": 3}, "previous_result": [1, 2], **scope}
    return Batch([Expression(t, predicate) for t in texts], {k: dumps(v) for k, v in given.items()}, RESULTS, lookup)


async def value(evaluator: Evaluator, text: str, **scope: Any) -> Any:
    (answer,) = await evaluator.evaluate(batch(text, **scope))
    assert not isinstance(answer, ExpressionFailed), answer
    return json.loads(answer)


async def failure(evaluator: Evaluator, text: str) -> ExpressionFailed:
    (answer,) = await evaluator.evaluate(batch(text))
    assert isinstance(answer, ExpressionFailed), answer
    return answer


SAYS: list[tuple[str, Any]] = [
    ("1 + 1", 2),
    ("results.a.list[3].n + 1", 4),
    ("results.a.list.length", 5),
    ("results?.a?.s?.length", 3),
    ("results.nope?.x", None),
    ("results.nil === null", True),
    ("'a' in results", True),
    ("'nope' in results", False),
    ("Object.keys(results)", ["a", "b b", "nil"]),
    ("results[flow_input.k].s", "abc"),
    ("[0, 1].map(i => results.a.list[i].n)", [0, 1]),
    ("results.hasOwnProperty('a')", True),
    ("{...flow_input, b: 1}", {"k": "a", "n": 3, "b": 1}),
    ("const x = 2; return x + results['b b']", 7),
    ("if (flow_input.n > 2) { return 'big' } return 'small'", "big"),
    ("flow_input.n + 1;", 4),
    ("`Hi ${results.a.s}`", "Hi abc"),
    ("undefined", None),
    ("NaN", None),
    ("[Infinity, undefined, () => 1]", [None, None, None]),
    ("() => 1", None),
    ("", None),
    ("params", {}),
    ("variable('f/a')", "A"),
    ("variable('f/a').length + 1", 2),
    ("variable(resource('f/db').next) + resource('f/db').host", "Ah"),
    ("try { return variable('f/none') } catch { return 'default' }", "default"),
    ("['f/a', 'f/a'].map(variable)", ["A", "A"]),
    ("await results.a.s", "abc"),
    ("await variable('f/a')", "A"),
    ("Promise.all([variable('f/a'), 2])", ["A", 2]),
    ("results.a = 5; return results.a", 5),
    ("eval('flow_input.k')", "a"),
    ("'\\ud800'.length", 1),
    ("JSON.stringify(results).length > 10", True),
    ("globalThis.flow_input.n", 3),
]


async def test_what_expressions_may_say(evaluator: Evaluator) -> None:
    answers = await evaluator.evaluate(batch(*[text for text, _ in SAYS]))
    found = [(text, json.loads(a) if isinstance(a, str) else a) for (text, _), a in zip(SAYS, answers, strict=True)]
    assert found == SAYS


async def test_expressions_of_a_batch_do_not_see_each_others_changes(evaluator: Evaluator) -> None:
    answers = await evaluator.evaluate(
        batch("results.a.list.push(1)", "results.a.list.length + 0", "flow_input.n = 9", "flow_input.n + 0")
    )
    assert answers == ["6", "5", "9", "3"]


async def test_nothing_stays_for_the_next_batch(evaluator: Evaluator) -> None:
    await evaluator.evaluate(
        batch("globalThis.kept = 1; JSON.parse = () => 'stolen'; Array.prototype.map = null; return 1")
    )
    for _ in range(3):
        assert await value(evaluator, "[typeof kept, [1].map(x => x), flow_input.n]") == ["undefined", [1], 3]


async def test_predicates(evaluator: Evaluator) -> None:
    answers = await evaluator.evaluate(
        batch("results.a.list.length > 3", "''", "[]", "results.nope", "return flow_input.n", predicate=True)
    )
    assert answers == ["true", "false", "true", "false", "true"]


async def test_names_of_the_scope(evaluator: Evaluator) -> None:
    assert await value(
        evaluator, "[result.x, error.name, resume]", result={"x": 1}, error={"name": "E"}, resume=None
    ) == [1, "E", None]
    failed = await failure(evaluator, "result")
    assert (failed.name, failed.message) == ("ReferenceError", "result is not defined")


@pytest.mark.parametrize(
    ("text", "name", "message", "line"),
    [
        ("results.nope.x", "TypeError", "cannot read property 'x' of null", 1),
        ("1\n+ nope", "ReferenceError", "nope is not defined", 2),
        ("const a = 1;\nconst b = a.b.c;\nreturn b", "TypeError", "cannot read property 'c' of undefined", 2),
        ("(a b", "SyntaxError", "", 1),
        ("throw 'words'", "Error", "words", None),
        ("variable('f/none')", "Error", "Variable f/none was not found", 1),
        ("resource('f/forbidden')", "Error", "You may not read f/forbidden", 1),
        ("new Promise(() => {})", "Error", "never happens", None),
        ("Promise.reject(new RangeError('late'))", "RangeError", "late", 1),
        ("2n", "TypeError", "BigInt", None),
        ("throw {get message() { throw 1 }}", "", "", None),
    ],
)
async def test_failures_name_what_and_where(
    evaluator: Evaluator, text: str, name: str, message: str, line: int | None
) -> None:
    failed = await failure(evaluator, text)
    assert name in failed.name
    assert message in failed.message
    assert failed.line == line
    assert await value(evaluator, "1 + 1") == 2


async def test_without_a_client_lookups_say_so(evaluator: Evaluator) -> None:
    (answer,) = await evaluator.evaluate(Batch([Expression("variable('f/a')")]))
    assert isinstance(answer, ExpressionFailed)
    assert "cannot be used here" in answer.message


async def test_only_the_failing_expression_of_a_batch_fails(evaluator: Evaluator) -> None:
    answers = await evaluator.evaluate(batch("1 + 1", "nope + 1", "variable('f/a') + 1"))
    assert answers[0] == "2"
    assert isinstance(answers[1], ExpressionFailed)
    assert answers[2] == '"A1"'


ATTACKS = {
    "loop": "while(1);",
    "loop in a promise": "(async () => { await 1; while(1); })()",
    "regular expression": "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    "big integer": "(2n ** (10n ** 8n)).toString().length",
    "native search": "Array(4e9).indexOf(5)",
    "native join": "Array(1e9).join('x').length",
    "toJSON loop": "({a: 1, toJSON() { while(1); }})",
    "getter loop in an error": "throw {get message() { while(1); }}",
    "memory": "let a = []; while (1) a.push('x'.repeat(1000000) + a.length)",
    "long string": "'x'.repeat(2 ** 30) + 'y'",
    "recursion": "(function f() { return f() + 1 })()",
    "deep JSON": "JSON.parse('['.repeat(1e6) + ']'.repeat(1e6)).length",
    "deep source": "eval('('.repeat(1e6) + '1' + ')'.repeat(1e6))",
    "typed array": "new Uint8Array(2 ** 33).length",
    "import": "import('os').then(os => os.exec(['id']))",
    "endless lookups": "for (let i = 0; ; i++) variable('f/' + i)",
    "slow lookups": "for (let i = 0; ; i++) { for (let j = 0; j < 3e6; j++); try { variable('f/' + i) } catch {} }",
    "large answer": "'x'.repeat(70 * 1024 * 1024)",
    "endless promises": "(async () => { while (true) await 1 })()",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
async def test_attacks_fail_and_leave_the_evaluator_unharmed(evaluator: Evaluator, text: str) -> None:
    started = time.monotonic()
    (answer,) = await evaluator.evaluate(batch(text))
    assert isinstance(answer, ExpressionFailed)
    assert time.monotonic() - started < 12
    assert await value(evaluator, "flow_input.n + 1") == 4


@pytest.mark.parametrize(
    "text",
    [
        "Array(2 ** 32 - 1).fill(0).length",
        "Array.from({length: 3e6}, (_, i) => i).sort(() => Math.random() - 0.5).length",
    ],
)
async def test_heavy_work_ends_one_way_or_the_other(evaluator: Evaluator, text: str) -> None:
    started = time.monotonic()
    await evaluator.evaluate(batch(text))
    assert time.monotonic() - started < 12
    assert await value(evaluator, "flow_input.n + 1") == 4


async def test_a_hung_process_does_not_hold_the_others(evaluator: Evaluator) -> None:
    hung = asyncio.create_task(evaluator.evaluate(batch("Array(1e9).join('x').length")))
    await asyncio.sleep(0.05)
    assert await value(evaluator, "1 + 1") == 2
    assert not hung.done()
    (answer,) = await hung
    assert isinstance(answer, ExpressionFailed)
    assert answer.name == "Timeout"


async def test_more_batches_than_processes_wait_their_turn(evaluator: Evaluator) -> None:
    answers = await asyncio.gather(*[evaluator.evaluate(batch(f"{n} + flow_input.n")) for n in range(40)])
    assert [json.loads(str(answer[0])) for answer in answers] == [n + 3 for n in range(40)]


async def test_a_canceled_caller_leaves_no_answer_behind(evaluator: Evaluator) -> None:
    task = asyncio.create_task(evaluator.evaluate(batch("while(1);")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await value(evaluator, "1 + 1") == 2


async def test_a_canceled_waiter_passes_its_turn_on(evaluator: Evaluator) -> None:
    busy = [asyncio.create_task(evaluator.evaluate(batch("for (let i = 0; i < 3e6; i++); return 1"))) for _ in range(2)]
    await asyncio.sleep(0.3)
    waiting = [asyncio.create_task(evaluator.evaluate(batch(f"{n} + flow_input.n"))) for n in range(6)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    found = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
    assert [answer for answer in found if isinstance(answer, list)] == [["4"], ["6"], ["8"]]
    await asyncio.gather(*busy)


async def test_large_values_go_through(evaluator: Evaluator) -> None:
    rows = dumps([{"id": i, "name": f"user{i}"} for i in range(60_000)])
    answers = await evaluator.evaluate(
        Batch(
            [Expression("results.big.map(r => r.id).reduce((a, b) => a + b, 0)"), Expression("results.big.slice()")],
            {},
            {"big": rows},
        )
    )
    assert answers == ["1799970000", rows]


async def test_the_process_has_nothing(evaluator: Evaluator) -> None:
    process = next(iter(evaluator._pool._idle))._process
    assert process is not None
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":\t" in line
    )
    if os.getuid() == 0:
        assert status["Uid"].split() == ["64120"] * 4
        assert status["Groups"].strip() == ""
        assert int(status["CapEff"], 16) == 0
        assert Path(f"/proc/{process.pid}/environ").read_bytes() == b""
        # the three standard ones (to nowhere) and the socket
        assert len(os.listdir(f"/proc/{process.pid}/fd")) == 4
    assert status["NoNewPrivs"].strip() == "1"
    assert set(evaluator.mechanisms) >= {"limits"}


async def test_a_killed_process_is_replaced(evaluator: Evaluator) -> None:
    process = next(iter(evaluator._pool._idle))._process
    assert process is not None
    process.kill()
    process.wait()
    assert await value(evaluator, "1 + 1") == 2


async def test_closed(evaluator: Evaluator) -> None:
    await evaluator.close()
    with pytest.raises(EvaluatorUnavailable):
        await evaluator.evaluate(batch("1 + 1"))
