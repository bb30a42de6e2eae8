"""SQL Server through python-tds: parameters go to the server beside the batch (`sp_executesql`).

A batch goes as it is, since its variables end with it; what it answers is the last of its results that has columns.
"""

from __future__ import annotations

from typing import Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_dbapi import changed, given_resource, needed, refuse_read_only, values_of

_CONNECT_S = 15
_PORT = 1433
#: what a client gets that gave up waiting
_TIMED_OUT = ("timeout", "timed out")


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> Mssql:
    """Connect with the resource that the input `database` holds."""
    refuse_read_only(script)
    return Mssql(given_resource(inputs, "ms_sql_server"), script["timeout_s"])


class Mssql:
    """One session. Each statement is its own transaction, unless the batch says BEGIN TRANSACTION."""

    def __init__(self, resource: dict[str, Any], timeout_s: float) -> None:
        import pytds

        self._errors = (pytds.Error, OSError, ValueError)
        host, user, password = needed(resource, "host", "user", "password")
        instance = resource.get("instance_name")
        try:
            self._connection = pytds.connect(
                dsn=f"{host}\\{instance}" if instance else host,
                # An instance is found by its name.
                port=None if instance else int(resource.get("port") or _PORT),
                user=user,
                password=password,
                database=str(resource.get("dbname") or "") or None,
                timeout=timeout_s,
                login_timeout=_CONNECT_S,
                appname="flowapp",
                autocommit=True,
                disable_connect_retry=True,
                cafile=_authorities(resource),
                validate_host=not resource.get("trust_cert"),
            )
        except self._errors as error:
            raise SqlError("ConnectionFailed", f"SQL Server cannot be reached: {error}") from error

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        cursor = self._connection.cursor()
        cursor.execute(text, values_of(values, types) if values else None)
        found = Rows([], ())
        count = 0
        while True:
            if cursor.description:
                # Which result is the last is known after it has been read.
                found = Rows([str(column[0]) for column in cursor.description], cursor.fetchall())
            elif cursor.rowcount > 0:
                count += cursor.rowcount
            if not cursor.nextset():
                return Rows(found.columns, found.rows, changed(count) if count or not found.columns else "")

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if not isinstance(error, self._errors):
            return None
        number, line = getattr(error, "msg_no", None), getattr(error, "line", None)
        name = "Timeout" if any(part in str(error).lower() for part in _TIMED_OUT) else type(error).__name__
        extra = {"number": number} if number else None
        return SqlError(name, str(getattr(error, "text", "") or error), line or None, extra)


def _authorities(resource: dict[str, Any]) -> str | None:
    """The file with the certificates that are trusted; None for a connection without encryption.

    `encrypt` asks for it, with the host's authorities, and `root_certificate_pem` with that one.
    """
    certificate = resource.get("root_certificate_pem") or resource.get("ca_cert")
    if certificate:
        import os

        path = os.path.join(os.environ["TMPDIR"], "root.pem")
        with open(path, "w") as file:
            file.write(str(certificate))
        return path
    if not resource.get("encrypt"):
        return None
    import ssl  # each fork of the launcher would pay for it

    found = ssl.get_default_verify_paths()
    path = found.cafile or found.openssl_cafile
    return path
