"""SQL cells: read here, run by a process of a pool that has the driver of their database and nothing of the server.

The drivers have an environment of their own (`requirements-sql.txt`), apart from the packages of Python cells.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import orjson

from flowapp.runtimes import handover
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job, RuntimeSettings
from flowapp.signatures import SignatureProblem
from flowapp.signatures import sql as scripts

#: the package that a database needs; SQLite is part of Python
DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "duckdb": "duckdb", "sqlite": ""}
#: those that are worth staying connected to
SESSIONS = frozenset({"postgresql", "mysql"})
#: larger arguments are not worth reading here
_READ_ARGS = 1 << 20
_LABELS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "duckdb": "DuckDB", "sqlite": "SQLite"}


def drivers_of(settings: RuntimeSettings) -> Path:
    """The folder with the drivers."""
    return settings.drivers or Path(sys.prefix) / "sql"


def adapter(setup: Setup) -> Sql:
    """See `adapters`."""
    return Sql(setup)


def header_of(job: Job) -> dict[str, Any]:
    """The script of a job as its process runs it.

    Raises:
        Refused: what is wrong with it, and its line.
    """
    script = scripts.parse(job.language, job.code)
    if isinstance(script, SignatureProblem):
        raise Refused(script.message, script.line, "SyntaxError")
    if script.file is not None and job.file is None:
        raise Refused("Rows cannot become a stored file here (`-- s3`).")
    most = job.limits.file_bytes if script.file is not None else job.limits.rows_bytes if job.large is not None else 0
    return {
        "dialect": job.language,
        "arguments": {argument.key: asdict(argument) for argument in script.arguments},
        "interpolated": script.interpolated,
        "statements": [asdict(statement) for statement in script.statements],
        "database": script.database,
        "collection": script.collection,
        "read_only": script.read_only,
        "timeout_s": job.timeout_s,
        "keeps": False,
        "most_bytes": most,
        "file": script.file.format if script.file is not None else "",
    }


class Sql:
    """One kind of process for each database: the first cell of it is slower, then one waits ready with its driver."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._installed: dict[str, str] = {}
        self._key = secrets.token_bytes(32)

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return dict.fromkeys(DRIVERS, 0)

    async def start(self) -> None:
        """Look at the installed drivers."""
        found = distributions(path=[str(drivers_of(self._setup.settings))])
        self._installed = {one.metadata["Name"].lower(): one.version for one in found}

    async def prepare(self, job: Job, _talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        driver = DRIVERS[job.language]
        if driver and driver not in self._installed:
            label = _LABELS[job.language]
            raise Refused(
                f"{label} cells need the Python package {driver}, which is not installed: run scripts/run again."
            )
        header = header_of(job)
        # what makes Parquet leaves its memory behind
        keeps = b"" if header["file"] == "parquet" else self._keeps(job)
        header["keeps"] = bool(keeps)
        # Statements read no variables, and a process that stays must not hold one job's token for the next.
        texts = handover.texts(job, code=b"", runs="sql", sql=header, env={})
        return Prepared(job.language, texts, keeps=keeps, parts=True)

    def _keeps(self, job: Job) -> bytes:
        """Whose connection it is and to where, as a keyed hash (it goes over a password); empty where none is kept.

        A job with limits of its own has a process that is made for it, and a connection that is given as text may name files.
        """
        usual = job.limits.bounds == self._setup.settings.limits.bounds
        if job.language not in SESSIONS or not job.owner or not usual or not self._setup.apart:
            return b""
        connection = orjson.loads(job.args).get(scripts.DATABASE) if len(job.args) <= _READ_ARGS else None
        if not isinstance(connection, dict):
            return b""
        text = orjson.dumps([job.language, job.owner, connection], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, key=self._key).digest()

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {
            language: {
                "available": not driver or driver in self._installed,
                "version": self._installed.get(driver) if driver else None,
            }
            for language, driver in DRIVERS.items()
        }

    async def close(self) -> None:
        """Nothing is under way."""
