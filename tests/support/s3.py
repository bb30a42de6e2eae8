"""A stand-in for S3: buckets in memory, reached by signed addresses, whose signatures it computes anew (AWS Signature 4)."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.serving import serving

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalr-secret-of-s3"


class Buckets(ThreadingHTTPServer):
    """What is kept: content and media type by `bucket/key`. `elsewhere`: where it sends everybody who asks.

    `refusal`: a status and a body that it answers instead. `left`: somebody went away before having read all of a file.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[bytes, str]] = {}
        self.asked: list[str] = []
        self.elsewhere = ""
        self.refusal: tuple[int, bytes] | None = None
        self.left = threading.Event()

    @property
    def host(self) -> str:
        """Where it answers."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def resource(self) -> dict[str, Any]:
        """The S3 resource of a bucket `files`."""
        keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
        return {"bucket": "files", "region": "eu-1", "endPoint": self.host, "useSSL": False, "pathStyle": True, **keys}


@contextmanager
def s3() -> Iterator[Buckets]:
    """A started stand-in."""
    with serving(Buckets()) as buckets:
        yield buckets


class _Handler(BaseHTTPRequestHandler):
    server: Buckets
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A file."""
        key = self._asked()
        if key is not None and key not in self.server.files:
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif key is not None:
            content, media_type = self.server.files[key]
            self._say(200, content, {"content-type": media_type or "binary/octet-stream"})

    def do_PUT(self) -> None:
        """A file."""
        body = self.rfile.read(int(self.headers["content-length"]))
        key = self._asked()
        if key is not None:
            self.server.files[key] = (body, self.headers.get("content-type", ""))
            self._say(200)

    def do_DELETE(self) -> None:
        """Take a file away."""
        key = self._asked()
        if key is not None:
            self.server.files.pop(key, None)
            self._say(204)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def _asked(self) -> str | None:
        """The key that is asked for; None when the request has been answered."""
        parts = urlsplit(self.path)
        self.server.asked.append(f"{self.command} {unquote(parts.path)}")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not query.get("X-Amz-Credential", "").startswith(f"{ACCESS_KEY}/"):
            self._say(403, b"<Error><Code>InvalidAccessKeyId</Code></Error>")
        elif not hmac.compare_digest(query.get("X-Amz-Signature", ""), self._signature(query)):
            self._say(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif self.server.elsewhere:
            self._say(307, b"", {"location": self.server.elsewhere})
        elif self.server.refusal:
            self._say(*self.server.refusal)
        else:
            return unquote(parts.path).strip("/")
        return None

    def _signature(self, query: dict[str, str]) -> str:
        path, _, text = self.path.partition("?")
        fields = sorted(field for field in text.split("&") if not field.startswith("X-Amz-Signature="))
        request = "\n".join(
            [self.command, path, "&".join(fields), f"host:{self.headers['host']}", "", "host", "UNSIGNED-PAYLOAD"]
        )
        _, scope = query["X-Amz-Credential"].split("/", 1)
        digest = hashlib.sha256(request.encode()).hexdigest()
        signed = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest])
        key = f"AWS4{SECRET_KEY}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()

    def _say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.server.left.set()
            self.close_connection = True
