"""The scripts of the starter hub, run for real."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from flowapp.hub import FolderHub, HubPath
from flowapp.hub.hub import STARTER
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")
HUB = FolderHub(STARTER)


class Web:
    """A server that notes what it gets, and answers what the test wants."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.answer = (200, '{"ok": true}')
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(lines.get("content-length", 0)))
        self.got.append((head.split("\r\n")[0], json.loads(body) if body else None))
        status, text = self.answer
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(text.encode())}\r\nConnection: close\r\n\r\n{text}".encode()
        )
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="module")
async def web() -> AsyncIterator[Web]:
    made = Web()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


async def outcome(run: Run, path: str, /, **args: Any) -> tuple[Any, str]:
    """Result and error message of a script of the hub."""
    script = await HUB.script(HubPath.parse(path))
    assert script is not None
    done = await run(script.language, script.content, args)
    return (json.loads(done.result) if done.result else None), (done.error["message"] if done.error else "")


async def result(run: Run, path: str, /, **args: Any) -> Any:
    found, error = await outcome(run, path, **args)
    assert not error
    return found


async def test_parse_csv(run: Run) -> None:
    path = "hub/9000001/data/parse_csv"
    assert await result(run, path, text='a,b\n1,"x,y"\n\n2\n') == [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]
    assert await result(run, path, text="1;2", delimiter=";", header=False) == [["1", "2"]]
    assert await result(run, path, text="") == []
    assert (await outcome(run, path, text="a\n1,2\n"))[1] == "Row 2 has 2 values, the first line names 1"


async def test_to_csv(run: Run) -> None:
    assert await result(run, "hub/9000002/data/to_csv", rows=[{"a": 1}, {"b": "x,y"}]) == 'a,b\n1,\n,"x,y"\n'


async def test_group_rows(run: Run) -> None:
    rows = [{"city": "Rome", "n": 2}, {"city": "Oslo"}, {"city": "Rome", "n": 3}]
    assert await result(run, "hub/9000003/data/group_rows", rows=rows, by="city", total="n") == [
        {"city": "Rome", "count": 2, "n": 5},
        {"city": "Oslo", "count": 1, "n": 0},
    ]


async def test_fetch_json(run: Run, web: Web) -> None:
    path = "hub/9000004/http/fetch_json"
    assert await result(run, path, url=f"{web.url}/x") == {"ok": True}
    assert await result(run, path, url=f"{web.url}/y", method="POST", body={"a": 1}) == {"ok": True}
    assert web.got == [("GET /x HTTP/1.1", None), ("POST /y HTTP/1.1", {"a": 1})]
    web.answer = (503, "busy")
    assert (await outcome(run, path, url=web.url))[1] == f"GET {web.url} answered 503: busy"
    web.answer = (200, "<html>")
    assert "did not answer JSON" in (await outcome(run, path, url=web.url))[1]


async def test_send_message(run: Run, web: Web) -> None:
    path = "hub/9000005/http/send_message"
    sent = await result(run, path, webhook_url=f"{web.url}/hook", text="hi", field="content", more={"username": "bot"})
    assert sent == {"status": 200, "answer": '{"ok": true}'}
    assert web.got == [("POST /hook HTTP/1.1", {"username": "bot", "content": "hi"})]
    web.answer = (400, "no_text")
    assert (await outcome(run, path, webhook_url=web.url, text=""))[1] == "The webhook answered 400: no_text"
    assert "must begin with http" in (await outcome(run, path, webhook_url="file:///etc/passwd", text=""))[1]


async def test_fill_template(run: Run) -> None:
    path = "hub/9000006/text/fill_template"
    values = {"name": "Ada", "job": {"title": "poet"}, "tags": [1]}
    template = "{{name}}, {{ job.title }}: {{tags}}"
    assert await result(run, path, template=template, values=values) == "Ada, poet: [1]"
    assert await result(run, path, template="{{constructor}}-{{x}}", values={}, missing="?") == "?-?"
    assert (await outcome(run, path, template="{{ x.y }}", values={}))[1] == "There is no value for {{ x.y }}"


async def test_digest(run: Run) -> None:
    text = "héllo $(id)\n"
    assert await result(run, "hub/9000007/text/digest", text=text) == hashlib.sha256(text.encode()).hexdigest()


async def test_date_range(run: Run) -> None:
    path = "hub/9000008/time/date_range"
    assert await result(run, path, start="2024-02-28", end="2024-03-01") == ["2024-02-28", "2024-02-29", "2024-03-01"]
    months = await result(run, path, start="2026-01-31", end="2026-04-30", step="month")
    assert months == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert await result(run, path, start="2026-01-02", end="2026-01-01") == []


async def test_in_zone(run: Run) -> None:
    found = await result(run, "hub/9000009/time/in_zone", moment="2026-07-01T22:30:00Z", timezone="Europe/Paris")
    assert found == {
        "date": "2026-07-02",
        "time": "00:30:00",
        "weekday": "Thursday",
        "offset": "+02:00",
        "iso": "2026-07-01T22:30:00.000Z",
    }
    assert "not a time" in (await outcome(run, "hub/9000009/time/in_zone", moment="soon"))[1]


async def test_validate(run: Run) -> None:
    path = "hub/9000010/data/validate"
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    assert await result(run, path, value={"n": 1}, schema=schema) == {"valid": True, "problems": []}
    told = await result(run, path, value={"n": "x"}, schema=schema, fail=False)
    assert told == {"valid": False, "problems": [{"at": "n", "message": "'x' is not of type integer"}]}
    assert (await outcome(run, path, value={}, schema=schema))[1] == "1 problem: the value: 'n' is a required property"


async def test_validate_agrees_with_a_whole_validator(run: Run) -> None:
    schema = {
        "$defs": {"name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}},
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"$ref": "#/$defs/name"},
            "n": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 9},
            "tags": {"type": "array", "maxItems": 2, "items": {"enum": ["a", 1, True]}},
            "x": {"anyOf": [{"const": 1}, {"type": "boolean"}], "not": {"const": False}},
            "y": {"oneOf": [{"type": "number"}, {"type": "integer"}]},
        },
    }
    values: list[dict[str, Any]] = [
        {"name": "ada", "n": 3, "tags": ["a"], "x": 1, "y": 1.5},
        {"name": "ada", "n": None, "tags": []},
        {"name": "A", "n": 9},
        {"n": 0.5, "z": 1},
        {"name": "ada", "tags": ["a", "b", 1]},
        {"name": "ada", "x": False, "y": 2},
        {"name": "ada", "x": "?", "n": True, "tags": [1.0, 0]},
    ]
    for value in values:
        told = await result(run, "hub/9000010/data/validate", value=value, schema=schema, fail=False)
        expected = sorted("/".join(map(str, e.absolute_path)) for e in Draft202012Validator(schema).iter_errors(value))
        found = sorted({each["at"] for each in told["problems"]})
        assert told["valid"] == (not expected), value
        # what is not allowed is told of the thing itself here, of what it is in there
        assert {*found} - {"z"} <= {*expected}, value
    _, error = await outcome(run, "hub/9000010/data/validate", value={}, schema={"dependentRequired": {}})
    assert error == "This script does not know dependentRequired"


async def test_only_on_weekdays(run: Run) -> None:
    path = "hub/9000011/schedules/only_on_weekdays"
    assert await result(run, path, scheduled_for="2026-07-03T12:00:00Z") is True
    assert await result(run, path, scheduled_for="2026-07-04T12:00:00Z") is False
    assert await result(run, path, scheduled_for="2026-07-03T22:30:00Z", timezone="Europe/Paris") is False


async def test_tell_webhook(run: Run, web: Web) -> None:
    path = "hub/9000012/schedules/tell_webhook"
    given = {"webhook_url": web.url, "schedule_path": "f/a/s", "path": "f/a/flow"}
    await result(run, path, **given, error={"message": "no disk"}, failed_times=3)
    await result(run, path, **given, success_times=1, job_id="j")
    await result(run, path, **given)
    assert [body["text"] for _, body in web.got] == [
        "Schedule f/a/s: f/a/flow failed 3 times in a row: no disk",
        "Schedule f/a/s: f/a/flow works again",
        "Schedule f/a/s: f/a/flow succeeded",
    ]
