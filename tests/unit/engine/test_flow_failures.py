"""What failures make of a flow: its result, steps that go on, the failure module, and further tries."""

from __future__ import annotations

from flowapp.jsontext import JsonText
from tests.unit.engine.fakes import Failing, branch_one, for_loop, result, script
from tests.unit.engine.flow_worlds import flaky, world


async def test_an_error_ends_the_flow_with_the_error_as_result() -> None:
    made = world()
    done = await made.run([script("boom"), script("two")])
    assert done.failed
    assert result(done) == {"error": {"name": "ValueError", "message": "bad thing"}}
    assert made.statuses() == {"boom": "failure"}


async def test_a_failing_input_fails_its_step_and_names_the_input() -> None:
    made = world()
    done = await made.run([script("a", "echo", inputs={"x": "results.nope.x"})])
    assert done.failed
    error = result(done)["error"]
    assert error["message"].startswith("Input x: ")
    assert error["step_id"] == "a"
    assert made.statuses() == {"a": "failure"}
    assert made.calls == []


async def test_continue_on_error_goes_on_with_the_error_as_result() -> None:
    modules = [
        script("boom", continue_on_error=True),
        script("b", "echo", inputs={"x": "[results.boom.error.name, previous_result.error.message]"}),
    ]
    made = world()
    done = await made.run(modules, failure_module=script("failure", "one"))
    assert (done.failed, result(done)) == (False, ["ValueError", "bad thing"])
    assert "failure" not in made.calls


async def test_continue_on_error_does_not_save_the_last_step() -> None:
    done = await world().run([script("boom", continue_on_error=True)])
    assert done.failed


async def test_a_failing_input_is_continued_over_too() -> None:
    modules = [script("a", "echo", inputs={"x": "nope"}, continue_on_error=True), script("two")]
    assert result(await world().run(modules)) == 2


# --- failure module


async def test_failure_module_sees_the_error_and_the_flow_stays_failed() -> None:
    handler = script(
        "failure",
        "many",
        inputs={
            "n": "error.name",
            "p": "previous_result.error.message",
            "one": "results.one",
            "at": "started_at",
            "i": "flow_input.k",
        },
    )
    made = world(many=lambda **inputs: inputs)
    done = await made.run([script("one"), script("boom")], {"k": 3}, failure_module=handler)
    assert done.failed
    assert result(done) == {"n": "ValueError", "p": "bad thing", "one": 1, "at": "then", "i": 3}
    assert made.rows["failure"]["meta"] == {"parent_module": "boom"}


async def test_failure_module_can_recover() -> None:
    done = await world(fix=lambda: {"recover": True, "v": 1}).run(
        [script("boom")], failure_module=script("failure", "fix")
    )
    assert (done.failed, result(done)) == (False, {"recover": True, "v": 1})


async def test_a_failing_failure_module_fails_the_flow_with_its_own_error() -> None:
    done = await world(worse=lambda: (_ for _ in ()).throw(Failing("Worse"))).run(
        [script("boom")], failure_module=script("failure", "worse")
    )
    assert done.failed
    assert result(done)["error"]["name"] == "Worse"


async def test_failure_module_runs_once_at_the_innermost_level() -> None:
    made = world(handle=lambda i: {"handled": i})
    handler = script("failure", "handle", inputs={"i": "flow_input.iter.index"})
    done = await made.run([for_loop("l", [1, 2], script("boom"))], failure_module=handler)
    assert (done.failed, result(done)) == (True, [{"handled": 0}])
    assert made.calls == ["l[0].boom", "l[0].failure"]


async def test_failure_module_runs_for_each_failed_iteration_that_is_skipped() -> None:
    made = world(handle=lambda i: {"handled": i})
    handler = script("failure", "handle", inputs={"i": "flow_input.iter.index"})
    done = await made.run([for_loop("l", [1, 2], script("boom"), skip_failures=True)], failure_module=handler)
    assert (done.failed, result(done)) == (False, [{"handled": 0}, {"handled": 1}])


async def test_failure_module_also_runs_for_predicates_and_iterators() -> None:
    handler = script("failure", "echo", inputs={"x": "error.step_id"})
    assert result(await world().run([for_loop("l", "nope")], failure_module=handler)) == "l"
    assert result(await world().run([branch_one("b", ("nope", []))], failure_module=handler)) == "b"


async def test_failure_module_is_not_run_again_after_a_restart() -> None:
    made = world(handle=lambda: "handled")
    modules = [for_loop("l", [1], script("boom"))]
    await made.run(modules, failure_module=script("failure", "handle"))
    made.calls.clear()
    done = await made.run(modules, failure_module=script("failure", "handle"))
    assert (done.failed, result(done), made.calls) == (True, ["handled"], [])


async def test_retry_waits_and_tries_again() -> None:
    made = world(flaky=flaky(2))
    done = await made.run([script("flaky", retry={"constant": {"attempts": 3, "seconds": 5}})])
    assert (result(done), made.slept, len(made.calls)) == ("done", [5.0, 5.0], 3)
    assert made.rows["flaky"]["attempt"] == 3


async def test_retries_end_and_the_failure_counts() -> None:
    made = world()
    done = await made.run([script("boom", retry={"constant": {"attempts": 2, "seconds": 1}})])
    assert done.failed
    assert len(made.calls) == 3


async def test_retry_if_looks_at_the_error() -> None:
    made = world(flaky=flaky(5))
    rule = {
        "constant": {"attempts": 9, "seconds": 0},
        "retry_if": {"expr": "result.error.message != '3' and error.name == 'Flaky'"},
    }
    done = await made.run([script("flaky", retry=rule)])
    assert done.failed
    assert len(made.calls) == 2


async def test_a_failing_input_is_retried_too() -> None:
    made = world()
    await made.run([script("a", "echo", inputs={"x": "nope"}, retry={"constant": {"attempts": 1, "seconds": 2}})])
    assert made.slept == [2.0]


async def test_a_container_that_is_retried_runs_its_steps_again() -> None:
    made = world(flaky=flaky(1))
    done = await made.run(
        [
            for_loop(
                "l", [1], script("one"), script("flaky"), module={"retry": {"constant": {"attempts": 1, "seconds": 0}}}
            )
        ]
    )
    assert result(done) == ["done"]
    assert made.calls == ["l[0].one", "l[0].flaky", "l~2[0].one", "l~2[0].flaky"]


async def test_a_retry_goes_on_after_a_restart_where_it_was() -> None:
    made = world(flaky=flaky(0))
    made.rows["flaky"] = {
        "status": "running",
        "attempt": 2,
        "value": JsonText("null"),
        "args": None,
        "ended": None,
        "meta": {"retry_at": "2026-01-01T00:00:30Z"},
    }
    done = await made.run([script("flaky", retry={"constant": {"attempts": 1, "seconds": 60}})])
    assert (result(done), made.slept) == ("done", [30.0])
    assert made.rows["flaky"]["attempt"] == 2
