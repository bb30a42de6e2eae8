"""A reference that comes out of data is a text: only what somebody wrote is replaced by a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine.references import written
from flowapp.engine.values import StoredFlow
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store.tables import RunRow
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step

SECRETS = {"f/team/key": "s3cret", "f/team/other": "0ther"}


class Stored:
    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        value: Any = {"key": "$var:f/team/key"} if kind == "resource" else SECRETS.get(path)
        return None if value is None else dumps(value)


class Library:
    """A called flow that holds a reference of its own."""

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        inner = step("x", "same")
        inner["value"]["input_transforms"] = {
            "own": {"type": "static", "value": "$var:f/team/other"},
            "given": {"type": "javascript", "expr": "flow_input.given"},
        }
        return StoredFlow(path, 1, dumps(flow_of(inner)))


LEAVES = {
    "evil": lambda job, log: {"text": "$var:f/team/key", "deep": [{"a": "$res:f/team/db"}], "bad": "$encrypted:x"},
    "same": lambda job, log: loads(job.args),
    "-- database f/team/db\nSELECT 1": lambda job, log: loads(job.args),
}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Server]:
    runtimes = FakeRuntimes(dict(LEAVES))
    async with server(tmp_path, runtimes, secrets=Stored(), library=Library()) as opened:
        yield opened


async def test_what_a_step_got_from_elsewhere_stays_a_text(made: Server) -> None:
    row, result = await made.run(flow_of(step("a", "evil"), step("b", "same", {"x": "results.a"})))
    assert row.status == "success"
    assert result == {"x": {"text": "$var:f/team/key", "deep": [{"a": "$res:f/team/db"}], "bad": "$encrypted:x"}}


async def test_what_the_document_says_is_replaced(made: Server) -> None:
    last = step("b", "same", {"data": "results.a.deep", "code": "['$var:f/team/other']"})
    last["value"]["input_transforms"]["fixed"] = {"type": "static", "value": {"k": ["$res:f/team/db"]}}
    _, result = await made.run(flow_of(step("a", "evil"), last))
    assert result["fixed"] == {"k": [{"key": "s3cret"}]} and result["code"] == ["0ther"]
    # the very same text stands in the document: its author has given it to this flow anyway
    assert result["data"] == [{"a": {"key": "s3cret"}}]


async def test_a_connection_that_an_sql_script_names_is_replaced(made: Server) -> None:
    query = step("b", "-- database f/team/db\nSELECT 1", {"deep": "results.a.deep"})
    query["value"]["language"] = "postgresql"
    _, result = await made.run(flow_of(step("a", "evil"), query))
    # the resource that stands in its code, while the same text out of data stays one
    assert result == {"database": {"key": "s3cret"}, "deep": [{"a": "$res:f/team/db"}]}


async def test_what_the_person_gave_is_replaced_also_through_a_step(made: Server) -> None:
    flow = flow_of(step("a", "same", {"x": "flow_input.db"}), step("b", "same", {"y": "flow_input.list"}))
    _, result = await made.run(flow, {"db": "$res:f/team/db", "list": [{"v": "$var:f/team/key"}]})
    assert result == {"y": [{"v": "s3cret"}]}


async def test_what_a_schedule_tells_a_handler_is_data(made: Server) -> None:
    args = {"error": {"message": "$var:f/team/key"}, "to": "$var:f/team/other"}
    trigger = dumps({"kind": "schedule", "event": None, "handler": "on_failure", "data": ["error", "success_result"]})
    flow = flow_of(step("a", "same", {"e": "flow_input.error", "to": "flow_input.to"}))
    _, result = await made.run(flow, args, trigger=trigger)
    assert result == {"e": {"message": "$var:f/team/key"}, "to": "0ther"}


async def test_a_called_flow_brings_its_own(made: Server) -> None:
    call = {
        "id": "b",
        "value": {
            "type": "flow",
            "path": "f/x/inner",
            "input_transforms": {"given": {"type": "javascript", "expr": "results.a.text"}},
        },
    }
    _, result = await made.run(flow_of(step("a", "evil"), call))
    assert result == {"own": "0ther", "given": "$var:f/team/key"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":"$var:u/a/b"}', {"$var:u/a/b"}),
        ('{"expr":"[\'$res:f/x.y-z/b@c\', `$jsonvar:u/a/j`]"}', {"$res:f/x.y-z/b@c", "$jsonvar:u/a/j"}),
        ('{"a":"$variable:u/a/b"}', set()),
        ('{"a":"$var:"}', set()),
    ],
)
def test_what_is_written(text: str, found: set[str]) -> None:
    assert written(JsonText(text)) == found


@pytest.mark.parametrize("key", ["$flowapp:blob", "\\u0024flowapp:blob"])
async def test_a_script_cannot_make_up_a_reference_to_a_stored_file(tmp_path: Path, key: str) -> None:
    class Crafting(FakeRuntimes):
        async def run(self, job: Job, on_log: Any, /) -> Outcome:
            digest = (await opened.store.blobs.put(b"somebody's file")).sha256
            text = f'{{"x":{{"{key}":{{"sha256":"{digest}","size":1}}}}}}'
            return Outcome(JsonText(text), None, 1.0, "fake")

    async with server(tmp_path, Crafting()) as opened:
        row, result = await opened.run(flow_of(step("a", "evil"), step("b", "same", {"x": "results.a"})))
        assert row.status == "failure" and "cannot hold the key" in result["error"]["message"]
