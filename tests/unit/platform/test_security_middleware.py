"""Who gets past the middleware, and what it adds, against an app that answers everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flowapp.api.security import Security, browser_origin, same_origin

CHUNK = b"var e={EVENT:`ws://localhost:8000/_event`,PING:`http://localhost:8000/ping`}"


class Answer:
    """What came out of one request."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.closed = False
        self.accepted = False
        self.reached = False


async def ask(
    path: str,
    *,
    method: str = "GET",
    kind: str = "http",
    signed_in: bool = False,
    inner_headers: tuple[tuple[bytes, bytes], ...] = (),
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Answer:
    """Send one request through the middleware; header names use _ for -."""
    answer = Answer()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer.reached = True
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        if path.startswith("/assets/reflex-env-"):
            assert "http.response.pathsend" not in scope["extensions"]
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b"x"), *inner_headers]})
        await send({"type": "http.response.body", "body": CHUNK})

    async def check(_: object) -> bool:
        return signed_in

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        match message["type"]:
            case "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            case "http.response.body":
                answer.body += message["body"]
            case "websocket.close":
                answer.closed = True
            case "websocket.accept":
                answer.accepted = True

    raw = [(b"host", b"flow.example:3000")]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": kind,
        "path": path,
        "method": method,
        "headers": raw,
        "query_string": query,
        "scheme": "http",
        "extensions": {"http.response.pathsend": {}},
    }
    await Security(app, check)(scope, receive, send)
    return answer


@pytest.mark.parametrize("path", ["/", "/runs", "/flows/abc", "/run/f/team/orders", "/run/f/team/v1.2", "/anything"])
async def test_a_stranger_is_sent_from_every_page_to_sign_in(path: str) -> None:
    answer = await ask(path)
    assert (answer.status, answer.reached) == (303, False)
    assert answer.headers["location"] == ("/signin" if path == "/" else f"/signin?next={path}")


async def test_the_page_that_was_wanted_is_remembered_with_its_query() -> None:
    answer = await ask("/runs", query=b"page=2&path=f/x")
    assert answer.headers["location"] == "/signin?next=/runs%3Fpage%3D2%26path%3Df/x"


@pytest.mark.parametrize(
    "path", ["/signin", "/api/version", "/api/health", "/assets/root-abc.js", "/css/signin.css", "/favicon.ico"]
)
async def test_what_holds_no_data_is_open(path: str) -> None:
    assert (await ask(path)).reached


@pytest.mark.parametrize("path", ["/_upload", "/_event/?EIO=4", "/_all_routes", "/_event/x.js", "/_upload/x.png"])
async def test_reflex_endpoints_need_a_session(path: str) -> None:
    refused = await ask(path)
    assert (refused.status, refused.reached) == (401, False)
    assert (await ask(path, signed_in=True)).reached


async def test_the_api_answers_for_itself() -> None:
    assert (await ask("/api/w/main/flows")).reached


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://flow.example:3000"}, True),
        ({"origin": "http://FLOW.example:3000"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://flow.example:3001"}, False),
        ({"origin": "null"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"origin": "https://public.example", "x_forwarded_host": "public.example"}, True),
        # a script of another site cannot send this without a preflight, which nobody here grants
        ({"origin": "http://evil.example", "authorization": "Bearer t"}, True),
        ({"origin": "http://evil.example", "authorization": "Bearer t", "cookie": "flowapp_session=s"}, False),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_changes_are_taken_from_our_own_pages_only(method: str, headers: dict[str, str], allowed: bool) -> None:
    answer = await ask("/api/w/main/drafts", method=method, signed_in=True, headers=headers)
    assert answer.reached is allowed
    assert answer.status == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("signed_in", "origin", "allowed"),
    [
        (True, "http://flow.example:3000", True),
        (True, "http://evil.example", False),
        (False, "http://flow.example:3000", False),
    ],
)
async def test_a_websocket_needs_a_session_and_our_own_page(signed_in: bool, origin: str, allowed: bool) -> None:
    answer = await ask("/_event", kind="websocket", signed_in=signed_in, headers={"origin": origin})
    assert (answer.accepted, answer.closed) == (allowed, not allowed)


async def test_every_answer_carries_the_security_headers() -> None:
    for answer in (
        await ask("/signin"),
        await ask("/runs"),
        await ask("/api/x", method="POST", headers={"origin": "http://evil"}),
    ):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_headers_that_would_open_us_to_other_origins_are_dropped() -> None:
    opened = ((b"Access-Control-Allow-Origin", b"http://evil"), (b"access-control-allow-credentials", b"true"))
    answer = await ask("/signin", inner_headers=opened, headers={"origin": "http://evil"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


async def test_a_header_that_the_app_set_itself_is_kept() -> None:
    answer = await ask("/signin", inner_headers=((b"referrer-policy", b"no-referrer"),))
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/assets/root-abc.js", 200, "public, max-age=31536000, immutable"),
        ("/assets/inter-abc.woff2", 206, "public, max-age=31536000, immutable"),
        ("/assets/root-gone.js", 404, "no-cache"),
        ("/css/tokens.css", 200, "no-cache"),
        ("/api/version", 200, "no-store"),
    ],
)
async def test_caching_follows_what_the_name_promises(path: str, status: int, expected: str) -> None:
    assert (await ask(path, status=status)).headers["cache-control"] == expected


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ({}, b"ws://flow.example:3000/_event"),
        ({"x_forwarded_proto": "https"}, b"wss://flow.example:3000/_event"),
        ({"x_forwarded_proto": "https", "x_forwarded_host": "public.example"}, b"wss://public.example/_event"),
        ({"x_forwarded_host": "a`b<script>"}, b"ws://localhost:8000/_event"),
    ],
)
async def test_the_baked_address_becomes_the_one_that_the_browser_used(headers: dict[str, str], event: bytes) -> None:
    answer = await ask("/assets/reflex-env-Ab_1-x.js", headers=headers)
    assert event in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_the_first_of_several_proxies_counts() -> None:
    headers = {b"host": b"inner", b"x-forwarded-host": b"outer.example, mid", b"x-forwarded-proto": b"https, http"}
    assert browser_origin(headers) == (b"https", b"outer.example")
    assert same_origin({**headers, b"origin": b"https://outer.example"})
