"""BigQuery through Google's client, over HTTP: parameters go to the server beside the script, which runs as a whole."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_dbapi import changed, given_resource, needed, refuse_read_only
from flowapp.runtimes.guest.sql_values import decoded

_PLACE = re.compile(r"\s*at \[(\d+):\d+\]")
_ARRAY = re.compile(r"array\s*<\s*([^<>]+)\s*>|(.+)\[\]")
_SIZE = re.compile(r"\([^)]*\)")
_ALIASES = {
    "": "STRING",
    "text": "STRING",
    "varchar": "STRING",
    "int": "INT64",
    "integer": "INT64",
    "bigint": "INT64",
    "smallint": "INT64",
    "tinyint": "INT64",
    "byteint": "INT64",
    "float": "FLOAT64",
    "double": "FLOAT64",
    "real": "FLOAT64",
    "decimal": "NUMERIC",
    "bigdecimal": "BIGNUMERIC",
    "boolean": "BOOL",
}


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> BigQuery:
    """Sign in with the resource that the input `database` holds: the key of a service account."""
    refuse_read_only(script)
    return BigQuery(given_resource(inputs, "bigquery"), script["timeout_s"])


class BigQuery:
    """One client. A script is one job of the server."""

    def __init__(self, resource: dict[str, Any], timeout_s: float) -> None:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import bigquery
        from google.oauth2 import service_account

        self._bigquery = bigquery
        self._errors = (GoogleAPIError, GoogleAuthError)
        self._timeout_s = timeout_s
        (project,) = needed(resource, "project_id")
        address = resource.get("api_endpoint")
        try:
            account = service_account.Credentials.from_service_account_info(resource)
        except ValueError as error:
            message = "The resource in `database` is no key of a service account: it needs client_email, private_key and token_uri."
            raise SqlError("ConnectionFailed", message) from error
        scoped = account.with_scopes(["https://www.googleapis.com/auth/bigquery"])
        options = {"api_endpoint": str(address)} if address else None
        self._client = bigquery.Client(
            project=project, credentials=scoped, client_options=options, location=resource.get("location")
        )

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        config = self._bigquery.QueryJobConfig()
        config.query_parameters = [
            self._parameter(f"p{number}", value, kind)
            for number, (value, kind) in enumerate(zip(values, types, strict=True), 1)
        ]
        # The server ends it, also when nobody is there any more to cancel it.
        config.job_timeout_ms = int(self._timeout_s * 1000)
        job = self._client.query(text, job_config=config, job_retry=None, timeout=self._timeout_s)
        rows = job.result(timeout=self._timeout_s, job_retry=None)
        note = changed(job.num_dml_affected_rows)
        return Rows([field.name for field in rows.schema or ()], (row.values() for row in rows), note)

    def _parameter(self, name: str, value: Any, kind: str) -> Any:
        match = _ARRAY.fullmatch(kind)
        if match is not None:
            element = _type(match[1] or match[2])
            items = [_value(item, element) for item in value or []]
            return self._bigquery.ArrayQueryParameter(name, element, items)
        return self._bigquery.ScalarQueryParameter(name, _type(kind), _value(value, _type(kind)))

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if isinstance(error, (ValueError, TypeError)):
            return SqlError("ValueError", str(error))
        if isinstance(error, TimeoutError) or type(error).__module__.startswith("concurrent"):
            return SqlError("Timeout", "The query took longer than the step may.")
        if not isinstance(error, self._errors):
            return None
        message = str(getattr(error, "message", "") or error)
        place = _PLACE.search(message)
        reasons = [item.get("reason") for item in getattr(error, "errors", []) if isinstance(item, dict)]
        extra = {"reason": reasons[0]} if reasons and reasons[0] else None
        line = int(place[1]) if place is not None else None
        return SqlError(type(error).__name__, _PLACE.sub("", message), line, extra)


def _type(kind: str) -> str:
    """BigQuery's name of a declared type."""
    name = _SIZE.sub("", kind).strip()
    return _ALIASES.get(name, name.upper())


def _value(value: Any, kind: str) -> Any:
    """An input as the client takes it for a type."""
    if value is None:
        return None
    if kind == "BYTES":
        return decoded(str(value))
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return Decimal(str(value))
    if kind == "FLOAT64":
        return float(value)
    if kind == "INT64":
        return int(value)
    if kind == "BOOL":
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1")
    if kind == "JSON":
        return value if isinstance(value, str) else json.dumps(value, default=str)
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
