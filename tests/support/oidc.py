"""A small OpenID Connect provider over HTTP, with keys of its own: it signs real tokens, checks PKCE and the client's secret.

Whoever comes to its authorization page is signed in as `person` at once. `lies` changes a token's claims or header before it is
signed, and other things as its fields say, for tests of what must be refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID = "flowapp-test"
CLIENT_SECRET = "provider-secret-0123456789"


@dataclass
class Lies:
    """What the provider does wrong."""

    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    other_key: bool = False
    symmetric: bool = False
    unsigned: bool = False
    silent: bool = False
    userinfo: dict[str, Any] = field(default_factory=dict)


class OidcProvider:
    """The provider; `url` is its issuer."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.lies = Lies()
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: set[str] = set()
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def turn_key(self) -> None:
        """Sign with a new key from now on."""
        self._key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}, private=True)

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON value and headers for a request."""
        self.asked.append(path)
        if self.lies.silent:
            return 500, "down", {}
        match method, path:
            case "GET", "/.well-known/openid-configuration":
                return 200, {**self._metadata(), **self.lies.metadata}, {}
            case "GET", "/keys":
                return 200, {"keys": [self._key.as_dict(private=False)]}, {}
            case "GET", "/authorize":
                return self._authorize(query)
            case "POST", "/token":
                return self._token(query, headers)
            case "GET", "/userinfo":
                good = headers.get("authorization", "").removeprefix("Bearer ") in self._tokens
                return (200, {**self.person, **self.lies.userinfo}, {}) if good else (401, {}, {})
        return 404, {}, {}

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _authorize(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        good = (
            query.get("response_type") == "code"
            and query.get("client_id") == CLIENT_ID
            and query.get("code_challenge_method") == "S256"
            and "openid" in query.get("scope", "").split()
            and len(query.get("nonce", "")) >= 16
        )
        if not good:
            return 400, "a bad request", {}
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        return 302, None, {"location": f"{query['redirect_uri']}?{back}"}

    def _token(self, form: dict[str, str], headers: Any) -> tuple[int, Any, dict[str, str]]:
        secret = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if headers.get("authorization") != f"Basic {secret}":
            return 401, {"error": "invalid_client"}, {}
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        same = asked and asked["redirect_uri"] == form.get("redirect_uri") and asked["code_challenge"] == challenge
        if not asked or not same:
            return 400, {"error": "invalid_grant"}, {}
        at = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            **self.person,
            **self.lies.claims,
        }
        access = secrets.token_urlsafe(16)
        self._tokens.add(access)
        told = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self._signed(told)}, {}

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.lies.unsigned:
            parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        if self.lies.symmetric:  # with what everybody can read: the provider's public key
            public = OctKey.import_key(self._key.as_pem(private=False))
            return jwt.encode({"alg": "HS256", "kid": "one"}, claims, public, algorithms=["HS256"])
        key = RSAKey.generate_key(2048, {"kid": "one"}) if self.lies.other_key else self._key
        return jwt.encode({"alg": "RS256", "kid": str(self._key.kid)}, claims, key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, method: str) -> None:
                parts = urlsplit(self.path)
                text = parts.query
                if method == "POST":
                    text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                query = {name: values[0] for name, values in parse_qs(text).items()}
                status, value, headers = provider.answer(method, parts.path, query, self.headers)
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {**headers, "content-type": "application/json"}.items():
                    self.send_header(name, text)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """One that runs until the block ends."""
    provider = OidcProvider()
    try:
        yield provider
    finally:
        provider.close()
