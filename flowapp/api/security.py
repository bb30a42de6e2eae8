"""What every request meets first: who may see which path, from where, and with which headers the answer leaves.

One plain ASGI middleware around everything (API, Reflex's own endpoints, static files, websockets). It decides no rights on
things (that is `access.policy`, asked by every use-case); it only keeps strangers and other sites out, and tells browsers to
be strict.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowapp.store.origin import ORIGIN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Asked with the request's headers (lower-case names): is there a valid session or token?
SignedIn = Callable[["Headers"], Awaitable[bool]]
Headers = dict[bytes, bytes]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC_PATHS = frozenset(
    {
        "/signin",
        "/signin/oidc",
        "/signin/oidc/callback",
        "/signout",
        "/join",
        "/api/version",
        "/api/health",
        "/ping",
        "/_health",
        "/robots.txt",
    }
)
#: Files of the build hold no data. Anything else that is not under /api/ is a page.
_STATIC = re.compile(r"\.(?:js|mjs|css|map|svg|ico|png|jpg|webp|woff2?|ttf|wasm|json|webmanifest)$")
_SESSION_ONLY = ("/_event", "/_upload", "/_all_routes", "/auth-codespace")
_BAKED_CHUNK = re.compile(r"^/assets/reflex-env-[\w-]+\.js$")
_BAKED_URL = re.compile(rb"(ws|http)://localhost:\d+")
_HOST = re.compile(rb"^[A-Za-z0-9.\-\[\]:_]{1,255}$")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Reflex starts its pages with inline scripts; nothing on our pages needs eval, so it stays forbidden.
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        # 'self' covers the websocket of the same origin too (CSP level 3)
        "connect-src 'self'",
        "media-src 'self' data: blob:",
        "frame-src 'self' blob: data:",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_IMMUTABLE = b"public, max-age=31536000, immutable"


class Security:
    """The middleware. `signed_in` is asked only where an answer matters."""

    def __init__(self, app: ASGIApp, signed_in: SignedIn) -> None:
        self._app = app
        self._signed_in = signed_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, redirect, or pass on with the headers added."""
        client = scope.get("client")
        origin = ORIGIN.set(client[0] if client else "")
        try:
            if scope["type"] == "websocket":
                await self._websocket(scope, receive, send)
            elif scope["type"] == "http":
                await self._http(scope, receive, _with_headers(scope, send))
            else:
                await self._app(scope, receive, send)
        finally:
            ORIGIN.reset(origin)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        if not same_origin(headers) or not await self._signed_in(headers):
            await receive()  # the connect event comes first; a close before accept answers the handshake with 403
            await send({"type": "websocket.close", "code": 4403, "reason": "sign in first"})
            return
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        headers = _headers(scope)
        if scope["method"] not in SAFE_METHODS and not _may_change(headers):
            await _refuse(send, 403, "access.wrong_origin", "This request came from another site.")
        elif path.startswith(_SESSION_ONLY) and not await self._signed_in(headers):
            # before anything else: a name like `/_event/x.js` must not pass for a file of the build
            await _refuse(send, 401, "access.not_signed_in", "Sign in first.")
        elif _is_public(path) or path.startswith("/api/"):
            # the API answers for itself, with the errors of access/
            if _BAKED_CHUNK.match(path):
                await self._baked_chunk(scope, receive, send, headers)
            else:
                await self._app(scope, receive, send)
        elif await self._signed_in(headers):
            await self._app(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS:
            await _refuse(send, 401, "access.not_signed_in", "Sign in first.")
        else:
            await _to_sign_in(scope, send)

    async def _baked_chunk(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Answer the one chunk that holds the server's address with the address that the browser used.

        Reflex bakes `http://localhost:<port>` into it, which is wrong for any other port, host, proxy or TLS.
        """
        body = bytearray()
        start: Message = {}
        # no pathsend extension, or the server sends the file by itself and there is nothing to rewrite
        plain = [pair for pair in scope["headers"] if pair[0] not in _NOT_FOR_REWRITING]
        inner: Scope = {**scope, "extensions": {}, "headers": plain}

        async def capture(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(inner, receive, capture)
        scheme, host = browser_origin(headers, scope.get("scheme", "http").encode())
        secure = b"s" if scheme == b"https" else b""
        content = bytes(body)
        if _HOST.match(host):
            content = _BAKED_URL.sub(lambda found: found[1] + secure + b"://" + host, content)
        kept = [pair for pair in start["headers"] if pair[0] not in _REWRITTEN_HEADERS]
        start["headers"] = [
            *kept,
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send(start)
        await send({"type": "http.response.body", "body": content})


_NOT_FOR_REWRITING = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"})
_REWRITTEN_HEADERS = frozenset({b"content-length", b"etag", b"last-modified", b"content-encoding", b"accept-ranges"})


def browser_origin(headers: Headers, scheme: bytes = b"http") -> tuple[bytes, bytes]:
    """Scheme and host[:port] that the browser used, also behind a proxy that says so.

    Another site's page cannot set the forwarding headers: they would need a CORS preflight, which nobody here grants.
    """
    host = headers.get(b"x-forwarded-host", headers.get(b"host", b"")).split(b",")[0].strip()
    return headers.get(b"x-forwarded-proto", scheme).split(b",")[0].strip(), host


def same_origin(headers: Headers) -> bool:
    """Whether the request was made by one of our own pages, or by no page at all (no Origin header)."""
    origin = headers.get(b"origin")
    if origin is None:
        return headers.get(b"sec-fetch-site", b"none") in (b"same-origin", b"none")
    _, host = browser_origin(headers)
    return bool(host) and origin.partition(b"://")[2].lower() == host.lower()


def _may_change(headers: Headers) -> bool:
    """A request that carries its own bearer token was not made by the browser on its own account; one with a cookie may be."""
    return (b"cookie" not in headers and b"authorization" in headers) or same_origin(headers)


def _is_public(path: str) -> bool:
    # an approval page asks for the signature in its address, and for a session where the request wants one; the page of a
    # shared run asks for the token in its address
    return (
        path in PUBLIC_PATHS
        or path.startswith(("/assets/", "/approve/", "/shared/"))
        or _STATIC.search(path) is not None
    )


def _headers(scope: Scope) -> Headers:
    return {name.lower(): value for name, value in scope["headers"]}


def _with_headers(scope: Scope, send: Send) -> Send:
    path: str = scope["path"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            # Reflex's own middleware sends some of these for any origin; here nobody else may read anything
            headers = [
                pair for pair in message.get("headers", []) if not pair[0].lower().startswith(b"access-control-")
            ]
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in _HEADERS if pair[0] not in present]
            if b"cache-control" not in present:
                headers.append((b"cache-control", _cache_control(path, message["status"])))
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _cache_control(path: str, status: int) -> bytes:
    if path.startswith("/assets/") and status in (200, 206, 304):  # 206: the rest of one whose download a click cut off
        return _IMMUTABLE  # names of these files hold a hash of their content
    return b"no-store" if path.startswith("/api/") else b"no-cache"


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = b'{"error":{"code":"%s","message":"%s","hint":""}}' % (code.encode(), message.encode())
    await _answer(send, status, body, (b"content-type", b"application/json"))


async def _to_sign_in(scope: Scope, send: Send) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    target = scope["path"] + (f"?{query}" if query else "")
    location = "/signin" if target == "/" else f"/signin?next={quote(target, safe='/')}"
    await _answer(send, 303, b"", (b"location", location.encode()), (b"cache-control", b"no-store"))


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
