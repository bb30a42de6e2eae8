"""SQL cells: read here, run by a process of a pool that has the driver of their database and nothing of the server.

The drivers have an environment of their own (`requirements-sql.txt`), apart from the packages of Python cells.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from flowapp.runtimes import handover
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job, RuntimeSettings
from flowapp.signatures import SignatureProblem
from flowapp.signatures import sql as scripts

#: the package that a database needs; SQLite is part of Python
DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "duckdb": "duckdb", "sqlite": ""}
_LABELS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "duckdb": "DuckDB", "sqlite": "SQLite"}


def drivers_of(settings: RuntimeSettings) -> Path:
    """The folder with the drivers."""
    return settings.drivers or Path(sys.prefix) / "sql"


def adapter(setup: Setup) -> Sql:
    """See `adapters`."""
    return Sql(setup)


class Sql:
    """One kind of process for each database: the first cell of it is slower, then one waits ready with its driver."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._installed: dict[str, str] = {}

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
        script = scripts.parse(job.language, job.code)
        if isinstance(script, SignatureProblem):
            raise Refused(script.message, script.line, "SyntaxError")
        header = {
            "dialect": job.language,
            "arguments": {argument.key: asdict(argument) for argument in script.arguments},
            "interpolated": script.interpolated,
            "statements": [asdict(statement) for statement in script.statements],
            "database": script.database,
            "collection": script.collection,
            "read_only": script.read_only,
            "timeout_s": job.timeout_s,
        }
        return Prepared(job.language, handover.texts(job, code=b"", runs="sql", sql=header))

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
