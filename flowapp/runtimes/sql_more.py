"""SQL cells of SQL Server, BigQuery, Snowflake and Oracle: their drivers are packages that the first of their cells installs.

The locks of those packages are in `drivers/`. They run in the processes of Python cells, behind the same walls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowapp.runtimes import handover
from flowapp.runtimes.adapters import Prepared, Setup, Talk
from flowapp.runtimes.guest.plan import CLIENT
from flowapp.runtimes.jobs import Job
from flowapp.runtimes.packages.shared_work import Waiter
from flowapp.runtimes.sql import header_of

#: the folder of the locks
LOCKS = Path(__file__).parent / "drivers"


@dataclass(frozen=True, slots=True)
class Driver:
    """The package that a database needs, and what of it is imported."""

    package: str
    modules: tuple[str, ...]


DRIVERS = {
    "mssql": Driver("python-tds", ("pytds",)),
    "bigquery": Driver("google-cloud-bigquery", ("google.cloud.bigquery", "google.oauth2.service_account")),
    "snowflake": Driver("snowflake-connector-python", ("snowflake.connector",)),
    "oracledb": Driver("oracledb", ("oracledb",)),
}


def adapter(setup: Setup) -> MoreSql:
    """See `adapters`."""
    return MoreSql(setup)


class MoreSql:
    """Each cell gets its driver as a Python cell gets its packages."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._locks = {language: (LOCKS / f"{language}.txt").read_text("utf-8") for language in DRIVERS}

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`. The processes are those of Python cells."""
        return {}

    async def start(self) -> None:
        """Nothing is to be found out."""

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """See `Adapter.prepare`. Installs the driver when it is not there."""
        script = header_of(job)
        lock, modules = self._locks[job.language], DRIVERS[job.language].modules
        need = await self._setup.packages.prepare_locked(lock, modules, Waiter(talk.tell, talk.is_canceled))
        folder = need.folder if need is not None else None
        texts = handover.texts(job, code=b"", runs="sql", sql=script, packages=folder, env={})
        return Prepared(CLIENT, texts, packages=need, parts=True)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        note = "Its driver is installed by the first cell that needs it."
        return {
            language: {"available": True, "version": _version(self._locks[language], driver.package), "note": note}
            for language, driver in DRIVERS.items()
        }

    async def close(self) -> None:
        """Nothing is under way."""


def _version(lock: str, package: str) -> str | None:
    rows = (row.split() for row in lock.splitlines() if row.startswith(f"{package}=="))
    return next((row[0].partition("==")[2] for row in rows), None)
