"""Caches of loops and called flows, and a called flow's own limit: over fake ports."""

from __future__ import annotations

from typing import Any

from flowapp.engine.values import Limit
from flowapp.jsontext import JsonText, dumps
from tests.unit.engine.fakes import Turns, World, branch_one, for_loop, result, script


class Kept(World):
    """What one run keeps, the next one finds. `stored` are variables; `hashes` those of scripts."""

    stored: dict[str, str]
    hashes: dict[str, str]

    async def find_variable(self, kind: str, path: str) -> JsonText | None:
        return dumps(self.stored[path]) if kind == "variable" else None

    async def script(self, path: str, hash: str | None) -> Any:
        return await super().script(path, hash or self.hashes.get(path))


def kept(before: World | None = None, **more: str) -> Kept:
    made = Kept({"echo": lambda x: x, "count": lambda: len(made.calls)})
    made.scripts = {"f/tool": "count"}
    made.stored, made.hashes = {"f/v": more.get("variable", "one")}, {"f/tool": more.get("hash", "1")}
    made.lookup = made.find_variable
    made.cached = before.cached if before is not None else {}
    return made


def echo(step_id: str, expression: str, **module: Any) -> dict[str, Any]:
    return script(step_id, "echo", inputs={"x": expression}, **module)


def loop(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [for_loop("l", [1], body, module={"cache_ttl": 60})]


def maybe(expression: str) -> dict[str, Any]:
    """A branch that might read something. The fake evaluator knows no variables."""
    return branch_one("b", ("1 > 2", [echo("x", expression)]), default=[script("count")])


def call(step_id: str, path: str, **module: Any) -> dict[str, Any]:
    return {"id": step_id, "value": {"type": "flow", "path": path, "input_transforms": {}}, **module}


def flow_of(*modules: dict[str, Any], **value: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules), **value}}


async def test_a_variable_that_the_body_reads_counts() -> None:
    for body in (maybe("variable('f/v')"), script("e", "echo", inputs={"x": ["$var:f/v"]})):
        first = kept()
        await first.run(loop(body))
        same, other = kept(first), kept(first, variable="three")
        await same.run(loop(body))
        await other.run(loop(body))
        assert (same.calls, len(other.calls)) == ([], 1)


async def test_a_computed_path_cannot_be_foreseen() -> None:
    first = kept()
    modules = loop(maybe("variable('f/' + 'v')"))
    await first.run(modules)
    assert first.cached == {}


async def test_a_new_version_of_a_called_script_counts() -> None:
    modules = loop({"id": "t", "value": {"type": "script", "path": "f/tool", "input_transforms": {}}})
    first = kept()
    await first.run(modules)
    same, newer = kept(first), kept(first, hash="2")
    await same.run(modules)
    await newer.run(modules)
    assert (same.calls, len(newer.calls)) == ([], 1)


async def test_a_called_flow_sees_what_is_around_it() -> None:
    inner = flow_of(echo("q", "[results.a, flow_env.X]"))
    first = None
    for number, env in ((1, 1), (2, 1), (2, 2)):
        made = kept(first)
        made.flows["f/in"] = [inner]
        modules = [echo("a", str(number)), call("c", "f/in", cache_ttl=60)]
        assert result(await made.run(modules, flow_env={"X": env})) == [number, env]
        first = made
    again = kept(first)
    again.flows["f/in"] = [inner]
    await again.run([echo("a", "2"), echo("other", "3"), call("c", "f/in", cache_ttl=60)], flow_env={"X": 2})
    assert len(again.calls) == 2, "what it does not read does not count"


class Places(Turns):
    """Who took and gave back places."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []

    async def take(self, job_id: str, limit: Limit, priority: int) -> str | None:
        self.said.append(("take", limit.key))
        return None

    async def give_back(self, job_id: str, limit: Limit) -> None:
        self.said.append(("back", limit.key))


async def test_a_called_flow_keeps_its_limit_and_never_waits_for_its_caller() -> None:
    made = kept()
    made.turns = places = Places()
    limited = {"concurrent_limit": 1, "concurrency_key": "k"}
    made.flows = {
        "f/out": [flow_of(call("c", "f/in"), **limited)],
        "f/in": [flow_of(echo("q", "5"), **limited)],
        "f/own": [flow_of(echo("q", "6"), concurrent_limit=1)],
    }
    assert result(await made.run([call("a", "f/out"), call("b", "f/own")])) == 6
    assert places.said == [("take", "k"), ("back", "k"), ("take", "f/own"), ("back", "f/own")]
