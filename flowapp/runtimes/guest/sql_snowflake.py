"""Snowflake through its own connector, over HTTP: parameters go to the server beside the statement."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_dbapi import given_resource, needed, refuse_read_only, rows_of, values_of

_CONNECT_S = 30
#: the server's number of a statement that ran too long
_TIMED_OUT = (604, 630)
_LINE = re.compile(r"\bline (\d+) at position \d+")
_NAMES = ("warehouse", "database", "schema", "role")


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> Snowflake:
    """Connect with the resource that the input `database` holds."""
    refuse_read_only(script)
    return Snowflake(given_resource(inputs, "snowflake"), script["timeout_s"])


class Snowflake:
    """One session. Each statement is its own transaction, unless the script says BEGIN."""

    def __init__(self, resource: dict[str, Any], timeout_s: float) -> None:
        warnings.simplefilter("ignore")
        import snowflake.connector

        self._error = snowflake.connector.errors.Error
        account, user = needed(resource, "account_identifier", "username")
        address = {name: str(resource[name]) for name in _NAMES if resource.get(name)}
        # A server in between: an address of one's own instead of the one that follows from the account.
        address |= {name: resource[name] for name in ("host", "port", "protocol") if resource.get(name)}
        try:
            self._connection = snowflake.connector.connect(
                account=account,
                user=user,
                **_secret(resource),
                **address,
                paramstyle="qmark",
                autocommit=True,
                login_timeout=_CONNECT_S,
                session_parameters={"STATEMENT_TIMEOUT_IN_SECONDS": math.ceil(timeout_s)},
                # A job that is killed leaves its query to the server, which ends it a few minutes later.
                server_session_keep_alive=False,
            )
        except (self._error, ValueError) as error:
            raise SqlError("ConnectionFailed", f"Snowflake cannot be reached: {_said(error)}") from error

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        cursor = self._connection.cursor()
        given = values_of(values, types)
        cursor.execute(text, given or None)
        return rows_of(cursor)

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if isinstance(error, ValueError):
            return SqlError("ValueError", str(error))
        if not isinstance(error, self._error):
            return None
        number = getattr(error, "errno", None)
        line = _LINE.search(str(error))
        extra = {"number": number, "sqlstate": getattr(error, "sqlstate", None)} if number else None
        name = "Timeout" if number in _TIMED_OUT else type(error).__name__
        return SqlError(name, _said(error), int(line[1]) if line is not None else None, extra)


def _said(error: Exception) -> str:
    return str(getattr(error, "raw_msg", None) or getattr(error, "msg", None) or error)


def _secret(resource: dict[str, Any]) -> dict[str, Any]:
    """A key pair, a token of OAuth, or a password."""
    if resource.get("private_key"):
        from cryptography.hazmat.primitives import serialization

        try:
            key = serialization.load_pem_private_key(str(resource["private_key"]).encode(), password=None)
        except (ValueError, TypeError) as error:
            raise SqlError(
                "ConnectionFailed", "The private_key of the resource is no PEM key without a password."
            ) from error
        coded = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"private_key": coded, "authenticator": "SNOWFLAKE_JWT"}
    if resource.get("token"):
        return {"token": str(resource["token"]), "authenticator": "oauth"}
    if resource.get("password"):
        return {"password": str(resource["password"])}
    raise SqlError("ExecutionErr", "The resource in `database` has no private_key, no token and no password.")
