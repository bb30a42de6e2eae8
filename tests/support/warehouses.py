"""Small servers that speak as much of BigQuery's and Snowflake's HTTP as their clients need for one query.

They answer what a test tells them, and keep what they were asked. They prove that the clients are called as they should be, not
that the services would understand.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(slots=True)
class Warehouse:
    """What a server answers, and what it was asked: `(method and path, body)`."""

    port: int = 0
    schema: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    failure: dict[str, Any] | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def bodies(self, part: str) -> list[Any]:
        """What was sent to addresses with this part."""
        return [body for address, body in self.asked if part in address]

    def answer(self, address: str, body: Any) -> tuple[int, Any]:
        """The status and the answer to a request.

        Raises:
            NotImplementedError: it is one that no client of a test sends.
        """
        raise NotImplementedError(address)


@dataclass(slots=True)
class BigQueryServer(Warehouse):
    """One job at a time; `rows` are lists of values in the form of the wire."""

    job: dict[str, Any] = field(default_factory=dict)

    def answer(self, address: str, body: Any) -> tuple[int, Any]:
        """See `Warehouse.answer`."""
        if "/token" in address:
            return 200, {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}
        if self.failure is not None:
            return 400, {"error": self.failure}
        table = {"projectId": "p", "datasetId": "d", "tableId": "t"}
        if address.startswith("POST") and address.endswith("/jobs"):
            self.job = {
                **body,
                "kind": "bigquery#job",
                "jobReference": {**body["jobReference"], "location": "EU"},
                "status": {"state": "DONE"},
                "statistics": {"query": {"statementType": "SELECT"}},
            }
            self.job["configuration"]["query"]["destinationTable"] = table
            return 200, self.job
        if "/queries/" in address:
            found = [{"f": [{"v": value} for value in row]} for row in self.rows]
            return 200, {
                "kind": "bigquery#getQueryResultsResponse",
                "jobComplete": True,
                "jobReference": self.job["jobReference"],
                "schema": {"fields": self.schema},
                "totalRows": str(len(found)),
                "rows": found,
            }
        return 200, self.job

    @property
    def resource(self) -> dict[str, Any]:
        """A resource of type bigquery: the key of a service account of its own."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k",
            "private_key": _pem(key),
            "client_email": "flows@p.example.com",
            "token_uri": f"http://127.0.0.1:{self.port}/token",
            "api_endpoint": f"http://127.0.0.1:{self.port}",
        }


class SnowflakeServer(Warehouse):
    """One session; `rows` are lists of texts, as Snowflake sends small results."""

    def answer(self, address: str, body: Any) -> tuple[int, Any]:
        """See `Warehouse.answer`."""
        if "/login-request" in address:
            return 200, {
                "success": True,
                "code": None,
                "message": None,
                "data": {
                    "token": "token",
                    "masterToken": "master",
                    "validityInSeconds": 3600,
                    "masterValidityInSeconds": 14400,
                    "sessionId": 1,
                    "parameters": [],
                    "sessionInfo": {"databaseName": "D", "schemaName": "S", "warehouseName": "W", "roleName": "R"},
                },
            }
        if "/query-request" in address:
            if self.failure is not None:
                return 200, {"success": False, "data": {}, **self.failure}
            return 200, {
                "success": True,
                "code": None,
                "message": None,
                "data": {
                    "rowtype": self.schema,
                    "rowset": self.rows,
                    "total": len(self.rows),
                    "returned": len(self.rows),
                    "queryId": "01b00000-0000-0000-0000-000000000001",
                    "queryResultFormat": "json",
                    "parameters": [],
                    "statementTypeId": 4096,
                    "version": 1,
                },
            }
        return 200, {"success": True, "data": {}, "code": None, "message": None}

    @property
    def resource(self) -> dict[str, Any]:
        """A resource of type snowflake."""
        return {
            "account_identifier": "acme",
            "username": "flows",
            "password": "secret",
            "warehouse": "W",
            "host": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
        }


W = TypeVar("W", bound=Warehouse)


@contextlib.contextmanager
def serving(warehouse: W) -> Iterator[W]:
    """Listen on a port of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                raw = gzip.decompress(raw)
            is_json = "json" in (self.headers.get("content-type") or "")
            body = json.loads(raw) if raw and is_json else raw.decode("utf-8", "replace")
            address = f"{self.command} {urlsplit(self.path).path}"
            warehouse.asked.append((address, body))
            status, answer = warehouse.answer(address, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_PUT = _answer

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        warehouse.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield warehouse
        finally:
            server.shutdown()
            thread.join()


def _pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
