"""GraphQL cells, with an HTTP server of this process that answers as a GraphQL server does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flowapp.runtimes import Limits
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = """query Hello($name: String!, $times: Int = 2, $note: String) {
  hello(name: $name, times: $times, note: $note)
}
"""


@dataclass
class Api:
    """The server: what it was asked, and what it answers by path."""

    base: str = ""
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def answer(self, path: str, body: Any) -> tuple[int, bytes]:
        if path == "/graphql":
            return 200, json.dumps({"data": {"hello": body["variables"]}}).encode()
        if path == "/errors":
            errors = [
                {"message": "Unknown field", "locations": [{"line": 2, "column": 3}], "extensions": {"code": "X"}},
                {"message": "And another"},
            ]
            return 200, json.dumps({"errors": errors, "data": {"hello": None}}).encode()
        if path == "/refused":
            return 401, json.dumps({"errors": [{"message": "Who are you?"}]}).encode()
        if path == "/away":
            return 307, b""
        if path == "/large":
            return 200, json.dumps({"data": "x" * 5000}).encode()
        return 502, b"<h1>Bad  Gateway</h1>"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    made = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status, text = made.answer(self.path, body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            if status == 307:
                self.send_header("location", f"{made.base}/graphql")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


async def failure(run: Run, args: dict[str, Any], code: str = QUERY, **more: Any) -> dict[str, Any]:
    outcome = await run("graphql", code, args, **more)
    assert outcome.result is None, outcome.result
    assert outcome.error is not None
    return outcome.error


async def test_a_query_with_variables_token_and_headers(run: Run, api: Api) -> None:
    connection = {"base_url": f"{api.base}/graphql", "bearer_token": "s3cret", "custom_headers": {"X-Team": "a"}}
    outcome = await run("graphql", QUERY, {"api": connection, "name": "Ada ä", "other": 1, "note": None, "times": None})
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == {"hello": {"name": "Ada ä", "note": None}}
    path, headers, body = api.asked[-1]
    assert path == "/graphql"
    assert (headers["authorization"], headers["x-team"]) == ("Bearer s3cret", "a")
    assert headers["content-type"] == "application/json"
    assert body["query"] == QUERY

    outcome = await run("graphql", QUERY, {"api": {"base_url": f"{api.base}/graphql"}, "name": "B", "times": 3})
    assert json.loads(outcome.result or "") == {"hello": {"name": "B", "times": 3}}
    assert "authorization" not in api.asked[-1][1]


async def test_errors_in_the_answer_fail_the_step_at_their_line(run: Run, api: Api) -> None:
    error = await failure(run, {"api": {"base_url": f"{api.base}/errors"}, "name": "A"})
    assert (error["name"], error["message"], error["line"]) == ("GraphqlError", "Unknown field\nAnd another", 2)
    assert error["extra"]["errors"][0]["extensions"] == {"code": "X"}
    assert error["extra"]["data"] == {"hello": None}
    error = await failure(run, {"api": {"base_url": f"{api.base}/refused"}, "name": "A"})
    assert (error["name"], error["message"]) == ("GraphqlError", "Who are you?")


async def test_answers_that_are_none(run: Run, api: Api) -> None:
    error = await failure(run, {"api": {"base_url": f"{api.base}/elsewhere"}, "name": "A"})
    assert "HTTP status 502): <h1>Bad Gateway</h1>" in error["message"]
    before = len(api.asked)
    error = await failure(run, {"api": {"base_url": f"{api.base}/away", "bearer_token": "t"}, "name": "A"})
    assert "a redirect" in error["message"]
    assert len(api.asked) == before + 1
    small = Limits(result_bytes=1000)
    error = await failure(run, {"api": {"base_url": f"{api.base}/large"}, "name": "A"}, limits=small)
    assert error["name"] == "ResultTooLarge"


async def test_connections_that_cannot_be(run: Run) -> None:
    assert "resource of type graphql" in (await failure(run, {"name": "A"}))["message"]
    error = await failure(run, {"api": {"base_url": "file:///etc/passwd"}, "name": "A"})
    assert "begins with http" in error["message"]
    error = await failure(run, {"api": {"base_url": "http://127.0.0.1:1/"}, "name": "A"})
    assert error["name"] == "ConnectionFailed"
    broken = {"base_url": "http://127.0.0.1:1/", "bearer_token": "s3cret\nX: y"}
    error = await failure(run, {"api": broken, "name": "A"})
    assert error["name"] == "ConnectionFailed"
    assert "s3cret" not in json.dumps(error)
    error = await failure(run, {"api": {"base_url": "http://x/", "custom_headers": ["a"]}, "name": "A"})
    assert "custom_headers" in error["message"]


async def test_a_broken_query_is_refused_with_its_line(run: Run) -> None:
    error = await failure(run, {}, "query {\n  hello(\n}")
    assert (error["name"], error["line"]) == ("SyntaxError", 3)
