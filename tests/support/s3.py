"""A stand-in for S3: buckets in memory, whole files and files in parts. It looks at the key's name, not at signatures."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.serving import serving

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalr-secret-of-s3"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


class Buckets(ThreadingHTTPServer):
    """What is kept: content and media type by `bucket/key`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[bytes, str]] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.types: dict[str, str] = {}

    @property
    def resource(self) -> dict[str, Any]:
        """The S3 resource of a bucket `files`."""
        keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
        host = f"127.0.0.1:{self.server_address[1]}"
        return {"bucket": "files", "region": "eu-1", "endPoint": host, "useSSL": False, "pathStyle": True, **keys}


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
        key, _, _ = self._asked()
        content, media_type = self.server.files.get(key, (None, ""))
        if content is None:
            self._say(404, f"{_XML}<Error><Code>NoSuchKey</Code><Message>no</Message></Error>".encode())
        else:
            last = {
                "last-modified": "Mon, 05 Oct 2026 10:00:00 GMT",
                "content-type": media_type or "binary/octet-stream",
            }
            self._say(200, content, last)

    def do_PUT(self) -> None:
        """A file, or a part of one."""
        key, query, body = self._asked()
        if "uploadId" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.server.files[key] = (body, self.headers.get("content-type", ""))
        self._say(200, b"")

    def do_POST(self) -> None:
        """Begin or end a file of parts, or take files away."""
        key, query, body = self._asked()
        if "uploads" in query:
            upload = str(uuid.uuid4())
            self.server.parts[upload] = {}
            self.server.types[upload] = self.headers.get("content-type", "")
            begun = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self._say(200, (_XML + begun).encode())
        if "delete" in query:
            names = [unescape(name) for name in re.findall(r"<Key>(.*?)</Key>", body.decode())]
            for name in names:
                self.server.files.pop(f"{key}/{name}", None)
            gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
            return self._say(200, f"{_XML}<DeleteResult>{gone}</DeleteResult>".encode())
        parts = self.server.parts.pop(query["uploadId"])
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
        self.server.files[key] = (b"".join(parts[number] for number in numbers), self.server.types[query["uploadId"]])
        done = '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'
        return self._say(200, (_XML + done).encode())

    def do_DELETE(self) -> None:
        """Take away the parts of a file that was not ended."""
        _, query, _ = self._asked()
        self.server.parts.pop(query["uploadId"], None)
        self._say(204, b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def _asked(self) -> tuple[str, dict[str, str], bytes]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).strip("/"), query, self.rfile.read(int(self.headers.get("content-length") or 0))

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if f"Credential={ACCESS_KEY}/" not in self.headers.get("authorization", ""):
            status, body = 403, f"{_XML}<Error><Code>InvalidAccessKeyId</Code></Error>".encode()
        self.send_response(status)
        for name, value in {"etag": '"whole"', "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
