"""What OpenFlow says about steps, errors and their handling, over fake ports."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from flowapp.engine.interpreter import Rules
from flowapp.engine.values import Plan, Status, StepInfo
from flowapp.engine.waiting import Parked
from flowapp.expressions import Batch, ExpressionFailed
from flowapp.jsontext import JsonText
from tests.unit.engine.fakes import Step, World, branch_one, for_loop, js, result, script
from tests.unit.engine.flow_worlds import world


async def test_an_empty_flow_gives_its_arguments() -> None:
    assert result(await world().run([], {"a": 1})) == {"a": 1}


async def test_the_last_step_is_the_result_and_earlier_ones_are_readable_by_id() -> None:
    made = world()
    done = await made.run(
        [
            script("one"),
            script("b", "inc", inputs={"x": "results.one + 10"}),
            script("c", "echo", inputs={"x": "[results.one, results.b, previous_result]"}),
        ]
    )
    assert result(done) == [1, 12, 12]
    assert made.calls == ["one", "b", "c"]
    assert made.statuses() == {"one": "success", "b": "success", "c": "success"}


async def test_first_step_sees_the_arguments_as_previous_result() -> None:
    assert result(await world().run([script("a", "echo", inputs={"x": "previous_result"})], {"k": 1})) == {"k": 1}


async def test_unknown_and_later_results_are_null() -> None:
    assert (
        result(
            await world().run(
                [
                    script("a", "echo", inputs={"x": "results.later"}),
                    script("later", "echo", inputs={"x": "previous_result"}),
                ]
            )
        )
        is None
    )


async def test_all_inputs_of_a_step_are_one_round_trip_and_plain_paths_none() -> None:
    made = world(many=lambda **inputs: sorted(inputs))
    step = script("a", "many", inputs={"p": "flow_input.k", "q": "flow_input.k + 1", "r": "flow_input.k + 2", "s": [1]})
    assert result(await made.run([step], {"k": 1})) == ["p", "q", "r", "s"]
    assert made.batches == 1


async def test_inputs_that_a_model_would_fill_are_left_out() -> None:
    step = script("a", "many", inputs={"p": 1})
    step["value"]["input_transforms"]["q"] = {"type": "ai"}
    step["value"]["input_transforms"]["r"] = {"type": "static"}
    assert result(await world(many=lambda **inputs: inputs).run([step])) == {"p": 1, "r": None}


async def test_pass_flow_input_directly() -> None:
    step = script("a", "many", inputs={"p": 1}, pass_flow_input_directly=True)
    assert result(await world(many=lambda **inputs: inputs).run([step], {"k": 2})) == {"k": 2}


async def test_identity_passes_the_previous_result_on() -> None:
    made = world()
    assert result(await made.run([script("one"), {"id": "i", "value": {"type": "identity"}}])) == 1
    assert made.statuses() == {"one": "success", "i": "success"}


# --- skip, mock, stop


async def test_skip_if_passes_the_previous_result_on() -> None:
    made = world()
    done = await made.run(
        [
            script("one"),
            script("boom", skip_if={"expr": "previous_result == 1"}),
            script("c", "echo", inputs={"x": "[previous_result, results.boom]"}),
        ]
    )
    assert result(done) == [1, 1]
    assert made.statuses()["boom"] == "skipped"


async def test_skip_if_false_runs() -> None:
    assert result(await world().run([script("one"), script("two", skip_if={"expr": "results.one == 2"})])) == 2


async def test_a_failing_skip_if_fails_the_step() -> None:
    done = await world().run([script("one", skip_if={"expr": "nope"})])
    assert done.failed
    assert result(done)["error"]["step_id"] == "one"


async def test_mock_gives_its_value_for_any_kind_of_step() -> None:
    made = world()
    modules = [
        script("boom", mock={"enabled": True, "return_value": [7]}),
        for_loop("l", "nope", module={"mock": {"enabled": True}}),
        script("c", "echo", inputs={"x": "[results.boom, results.l]"}),
    ]
    assert result(await made.run(modules)) == [[7], None]
    assert made.calls == ["c"]
    assert result(await world().run([script("one", mock={"enabled": False, "return_value": 5})])) == 1


async def test_stop_after_if_ends_the_flow_with_success() -> None:
    made = world()
    done = await made.run(
        [script("one", stop_after_if={"expr": "result == 1", "skip_if_stopped": False}), script("two")]
    )
    assert (done.failed, result(done), made.calls) == (False, 1, ["one"])
    assert done.stop is not None
    assert not done.stop.skipped


async def test_skip_if_stopped_labels_the_run() -> None:
    done = await world().run([script("one", stop_after_if={"expr": "true", "skip_if_stopped": True})])
    assert done.stop is not None
    assert done.stop.skipped


@pytest.mark.parametrize(("message", "expected"), [("too big", "too big"), ("", "stop after if: result == 1")])
async def test_stop_with_an_error_message_fails_the_flow(message: str, expected: str) -> None:
    rule = {"expr": "result == 1", "skip_if_stopped": False, "error_message": message, "error_include_result": True}
    made = world()
    done = await made.run([script("one", stop_after_if=rule, continue_on_error=True), script("two")])
    assert done.failed
    assert result(done)["error"] == {"name": "EarlyStopError", "message": expected, "step_id": "one", "result": 1}
    assert made.calls == ["one"]
    assert made.statuses() == {"one": "success"}


async def test_stop_with_an_error_message_runs_the_failure_module() -> None:
    rule = {"expr": "true", "skip_if_stopped": False, "error_message": "no"}
    done = await world().run(
        [script("one", stop_after_if=rule)], failure_module=script("failure", "echo", inputs={"x": "error.message"})
    )
    assert (done.failed, result(done)) == (True, "no")


async def test_stop_is_not_asked_after_a_failure_or_a_skipped_step() -> None:
    rule = {"expr": "true", "skip_if_stopped": False}
    modules = [
        script("boom", stop_after_if=rule, continue_on_error=True),
        script("one", stop_after_if=rule, skip_if={"expr": "true"}),
        script("two"),
    ]
    assert result(await world().run(modules)) == 2


async def test_a_failing_stop_rule_is_a_failure_of_its_step() -> None:
    stop: dict[str, Any] = {"stop_after_if": {"expr": "nope"}}
    assert (await world().run([script("one", **stop), script("two")])).failed
    assert result(await world().run([script("one", **stop, continue_on_error=True), script("two")])) == 2
    made = world()
    assert (await made.run([script("one", **stop, retry={"constant": {"attempts": 2, "seconds": 1}})])).failed
    assert made.calls == ["one"] * 3
    assert made.rows["one"]["status"] == "failure"


async def test_a_failing_skip_rule_is_asked_again_as_often_as_the_step_may_be_tried() -> None:
    made = world()
    retry = {"constant": {"attempts": 2, "seconds": 1}}
    assert (await made.run([script("one", skip_if={"expr": "nope"}, retry=retry)])).failed
    assert (made.calls, made.slept) == ([], [1, 1])
    # a run that rested in between asks too, and does not run the step unasked
    made = world()
    retry = {"constant": {"attempts": 1, "seconds": 60}}
    module = script("one", skip_if={"expr": "nope"}, retry=retry)
    with pytest.raises(Parked):
        await made.run([module], rules=Rules(park_after_s=5))
    made.time += timedelta(seconds=61)
    assert (await made.run([module], rules=Rules(park_after_s=5))).failed
    assert made.calls == []


async def test_a_failing_condition_for_retries_is_said_in_the_log() -> None:
    made = world()
    retry = {"constant": {"attempts": 2, "seconds": 1}, "retry_if": {"expr": "nope"}}
    assert (await made.run([script("boom", retry=retry)])).failed
    assert made.calls == ["boom"]
    assert "retry_if failed: name 'nope' is not defined" in made.log


async def test_flow_skip_expr() -> None:
    made = world()
    done = await made.run([script("one")], {"off": True}, skip_expr="flow_input.off")
    assert (done.skipped, result(done), made.calls) == (True, "stopped early", [])
    assert result(await world().run([script("one")], {"off": False}, skip_expr="flow_input.off")) == 1
    assert (await world().run([script("one")], skip_expr="nope")).failed


async def test_sleep_delays_the_next_step() -> None:
    made = world()
    assert (
        result(
            await made.run([script("one", sleep={"type": "static", "value": 3}), script("two", sleep=js("result + 2"))])
        )
        == 2
    )
    assert made.slept == [3.0, 4.0]


async def test_sleep_counts_from_the_end_of_the_step_after_a_restart() -> None:
    made = world()
    modules = [script("one", sleep={"type": "static", "value": 10}), script("two")]
    await made.run(modules[:1])
    made.slept.clear()
    await made.run(modules)
    assert made.slept == []


async def test_a_skipped_step_does_not_sleep() -> None:
    made = world()
    await made.run([script("one", sleep={"type": "static", "value": 3}, skip_if={"expr": "true"})])
    assert made.slept == []


async def test_a_sleep_that_is_no_number_fails_the_flow() -> None:
    done = await world().run([script("one", sleep=js("'soon'")), script("two")])
    assert done.failed
    assert "seconds" in result(done)["error"]["message"]


@pytest.mark.parametrize("timeout", [{"type": "static", "value": "x"}, js("nope"), -1])
async def test_a_timeout_that_is_no_number_fails_the_step(timeout: Any) -> None:
    done = await world().run([script("one", timeout=timeout)])
    assert done.failed
    assert "timeout" in result(done)["error"]["message"]


# --- memo and plans


async def test_what_is_recorded_does_not_run_again() -> None:
    made = world()
    modules = [
        script("one"),
        for_loop("l", [1, 2], script("b", "echo", inputs={"x": "flow_input.iter.value + results.one"})),
        branch_one("br", ("true", [script("c", "two")])),
        script("d", "echo", inputs={"x": "[results.l, results.c]"}),
    ]
    first = result(await made.run(modules))
    assert first == [[2, 3], 2]
    made.calls.clear()
    assert result(await made.run(modules)) == first
    assert made.calls == []


async def test_a_run_goes_on_in_the_middle_of_a_loop() -> None:
    made = world()
    modules = [for_loop("l", "flow_input.items", script("b", "inc", inputs={"x": "flow_input.iter.value + 0"}))]
    await made.run(modules, {"items": [1, 2, 3]})
    made.rows["l"] |= {"status": "running", "ended": None}
    del made.rows["l[1].b"], made.rows["l[2].b"]
    made.calls.clear()
    # the items are those that were recorded, whatever the iterator would say now
    assert result(await made.run(modules, {"items": [100]})) == [2, 3, 4]
    assert made.calls == ["l[1].b", "l[2].b"]


async def test_a_plan_runs_only_its_steps_on_given_results() -> None:
    made = world()
    modules = [
        script("one"),
        script("mid", "echo", inputs={"x": "results.one + 0"}),
        script("boom"),
        script("last", "echo", inputs={"x": "[results.mid, previous_result]"}),
    ]
    plan = Plan(run=("last",), given={"mid": JsonText('"given"'), "boom": JsonText("9")})
    assert result(await made.run(modules, plan=plan)) == ["given", 9]
    assert made.calls == ["last"]


async def test_previous_result_is_null_where_the_preceding_step_was_not_given() -> None:
    modules = [script("one"), script("mid"), script("last", "echo", inputs={"x": "previous_result"})]
    assert result(await world().run(modules, plan=Plan(run=("last",), given={"one": JsonText("1")}))) is None


async def test_a_plan_stops_at_a_failure_and_leaves_the_failure_module_out() -> None:
    made = world()
    done = await made.run(
        [script("boom"), script("two")],
        plan=Plan(run=("boom", "two")),
        failure_module=script("failure", "one"),
        skip_expr="true",
    )
    assert done.failed
    assert made.calls == ["boom"]


async def test_flow_env_is_readable_everywhere() -> None:
    modules = [for_loop("l", [1], script("a", "echo", inputs={"x": "flow_env.REGION"}))]
    assert result(await world().run(modules, flow_env={"REGION": "eu"})) == ["eu"]


class Recording(World):
    """A world in which recording a step's end takes a while; `happened` is what began and ended, in order."""

    def __init__(self, leaves: dict[str, Any]) -> None:
        super().__init__(leaves)
        self.happened: list[str] = []
        self.evaluated = asyncio.Event()

    def open(self, info: StepInfo, attempt: int, args: JsonText | None) -> Step:
        happened, evaluated = self.happened, self.evaluated
        happened.append(f"opened {info.path}")

        class Slow(Step):
            async def close(self, status: Status, value: JsonText, *rest: Any, **more: Any) -> None:
                if info.path == "one":
                    # only an evaluation that does not wait for this record lets it end
                    await asyncio.wait_for(evaluated.wait(), 5)
                await super().close(status, value, *rest, **more)
                happened.append(f"recorded {info.path}")

        return Slow(self, info, attempt, args)

    async def evaluate(self, batch: Batch) -> list[JsonText | ExpressionFailed]:
        self.happened.append("evaluated")
        self.evaluated.set()
        return await super().evaluate(batch)


async def test_inputs_are_evaluated_while_the_step_before_is_recorded_and_nothing_more() -> None:
    made = Recording({"one": lambda: 1, "inc": lambda x: x + 1})
    done = await made.run([script("one"), script("b", "inc", inputs={"x": "results.one + previous_result"})])
    assert result(done) == 3
    assert made.happened == ["opened one", "evaluated", "recorded one", "opened b", "recorded b"]
    assert made.batches == 1


async def test_inputs_of_a_step_that_may_not_come_are_not_evaluated_ahead() -> None:
    made = world()
    first = {**script("one"), "stop_after_if": {"expr": "result == 1", "skip_if_stopped": False}}
    assert result(await made.run([first, script("b", "inc", inputs={"x": "results.one + 1"})])) == 1
    assert made.batches == 1  # the predicate
    again = world()
    skipped = {**script("b", "inc", inputs={"x": "results.one + 1"}), "skip_if": {"expr": "true"}}
    await again.run([script("one"), skipped])
    assert again.batches == 1
