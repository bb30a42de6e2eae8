"""Connections that stay open between jobs: who shares them, and that nothing of a job is left in them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flowapp.runtimes import Runtimes
from flowapp.runtimes.jobs import Outcome
from tests.integration.runtimes.conftest import Run
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCALAR = "-- result_collection=last_statement_first_row_scalar\n"
SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
SLOW = {"postgresql": "SELECT pg_sleep(60)", "mysql": "SELECT sleep(60)"}


@pytest.fixture(params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A language, and the resource that connects it."""
    return request.param, request.getfixturevalue("pg" if request.param == "postgresql" else "mysql")


@pytest.fixture
def run(run: Run, runtimes: Runtimes) -> Run:
    """Runs a job and waits until its connection is back, which takes longer than a job waits for it where much goes on."""

    async def call(*args: Any, **more: Any) -> Outcome:
        outcome = await run(*args, **more)
        await asyncio.gather(*runtimes._kept._returning)
        return outcome

    return call


async def value(run: Run, language: str, code: str, database: dict[str, Any], owner: str = "ada", **more: Any) -> Any:
    outcome = await run(language, SCALAR + code, {"database": database}, owner=owner, **more)
    assert outcome.error is None, outcome.error
    return json.loads(outcome.result or "")


async def session(run: Run, language: str, database: dict[str, Any], owner: str = "ada") -> int:
    return int(await value(run, language, SESSION[language], database, owner))


async def test_one_connection_serves_equal_jobs_and_no_others(run: Run, server: tuple[str, dict[str, Any]]) -> None:
    language, database = server
    first = await session(run, language, database)
    assert await session(run, language, database) == first
    assert await session(run, language, database, "bob") != first
    assert await session(run, language, {**database, "more": 1}) != first
    nobody = await session(run, language, database, "")
    assert nobody != first
    assert await session(run, language, database, "") != nobody
    assert await session(run, language, database) == first


async def test_a_wrong_password_never_gets_an_open_connection(run: Run, server: tuple[str, dict[str, Any]]) -> None:
    language, database = server
    await session(run, language, database)
    log: list[str] = []
    refused = await run(
        language, SESSION[language], {"database": {**database, "password": "another"}}, log, owner="ada"
    )
    assert (refused.error or {})["name"] == "ConnectionFailed"
    assert "another" not in json.dumps(refused.error) + "".join(log)


async def test_jobs_at_the_same_time_have_a_connection_each(run: Run, server: tuple[str, dict[str, Any]]) -> None:
    language, database = server
    wait = {"postgresql": "pg_sleep(0.3)", "mysql": "sleep(0.3)"}[language]
    both = f"{SESSION[language]} FROM (SELECT {wait}) AS waiting"
    first, second = await asyncio.gather(value(run, language, both, database), value(run, language, both, database))
    assert first != second


async def test_after_errors_and_cancellation_it_is_another_one(
    run: Run, runtimes: Runtimes, server: tuple[str, dict[str, Any]]
) -> None:
    language, database = server
    first = await session(run, language, database, "eve")
    failed = await run(language, "SELECT no_such_column", {"database": database}, owner="eve")
    assert failed.error is not None
    second = await session(run, language, database, "eve")
    assert second != first
    slow = asyncio.ensure_future(run(language, SLOW[language], {"database": database}, owner="eve", id="slow-kept"))
    await asyncio.sleep(0.3)
    assert await runtimes.cancel("slow-kept")
    assert ((await slow).error or {})["name"] == "Canceled"
    third = await session(run, language, database, "eve")
    assert third not in (first, second)
    late = await run(language, SLOW[language], {"database": database}, owner="eve", timeout_s=0.5)
    assert (late.error or {})["name"] == "Timeout"
    assert await session(run, language, database, "eve") not in (first, second, third)


async def test_a_timeout_counts_anew_for_each_job(run: Run, server: tuple[str, dict[str, Any]]) -> None:
    language, database = server
    wait = {"postgresql": "SELECT 1 FROM pg_sleep(0.7)", "mysql": "SELECT 1 FROM (SELECT sleep(0.7)) AS waiting"}
    first = await value(run, language, SESSION[language], database, "tim", timeout_s=0.5)
    assert await value(run, language, wait[language], database, "tim", timeout_s=30.0) == 1
    assert await session(run, language, database, "tim") == first


async def test_a_connection_that_the_server_ended_is_replaced(
    run: Run, postgres: PostgresServer, server: tuple[str, dict[str, Any]]
) -> None:
    language, database = server
    first = await session(run, language, database, "kim")
    kill = {"postgresql": f"SELECT pg_terminate_backend({first})", "mysql": f"KILL {first}"}[language]
    ended = await run(language, kill, {"database": database})
    assert ended.error is None, ended.error
    assert await session(run, language, database, "kim") != first


async def test_nothing_of_a_job_is_left_in_postgresql(run: Run, pg: dict[str, Any], postgres: PostgresServer) -> None:
    postgres.execute("DROP ROLE IF EXISTS lesser")
    postgres.execute("CREATE ROLE lesser")
    leave = """CREATE TEMP TABLE mine (a int); SET work_mem = '77MB'; SET datestyle = 'German'; SELECT set_config('app.me', 'eve', false);
PREPARE p AS SELECT 1; SELECT pg_advisory_lock(4711); LISTEN news; DECLARE c CURSOR WITH HOLD FOR SELECT 1; SET ROLE lesser;
BEGIN; SELECT pg_backend_pid()"""
    first = await value(run, "postgresql", leave, pg, "pia")
    state = f"SELECT state FROM pg_stat_activity WHERE pid = {first}"
    assert await value(run, "postgresql", state, pg, "") == "idle"
    look = """-- result_collection=last_statement_first_row
SELECT pg_backend_pid() AS session, current_user::text AS who, to_regclass('pg_temp.mine')::text AS temp, current_setting('work_mem') AS memory,
  current_setting('app.me', true) AS me, (SELECT count(*) FROM pg_prepared_statements) AS prepared, (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors,
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711) AS locks, (SELECT count(*) FROM pg_listening_channels()) AS heard,
  date '2026-01-02' AS day"""
    outcome = await run("postgresql", look, {"database": pg}, owner="pia")
    assert outcome.error is None, outcome.error
    found = json.loads(outcome.result or "")
    assert found == {
        "session": first,
        "who": "flowapp",
        "temp": None,
        "memory": "4MB",
        "me": "",
        "prepared": 0,
        "cursors": 0,
        "locks": 0,
        "heard": 0,
        "day": "2026-01-02",
    }


async def test_read_only_ends_with_its_job(run: Run, server: tuple[str, dict[str, Any]]) -> None:
    language, database = server
    first = await value(run, language, f"-- read_only\n{SESSION[language]}", database, "rob")
    write = await run(language, "CREATE TABLE kept_rw (a int); DROP TABLE kept_rw", {"database": database}, owner="rob")
    assert write.error is None, write.error
    assert await session(run, language, database, "rob") == first


async def test_nothing_of_a_job_is_left_in_mysql(run: Run, mysql: dict[str, Any]) -> None:
    leave = """CREATE TEMPORARY TABLE mine (a int); SET @me = 'eve'; SET NAMES latin1; SET autocommit = 0; SET SESSION sort_buffer_size = 77777;
SELECT GET_LOCK('mine', 0); SELECT connection_id()"""
    first = await value(run, "mysql", leave, mysql, "mia")
    look = """-- result_collection=last_statement_first_row
SELECT connection_id() AS session, @me AS me, @@autocommit AS auto, @@character_set_client AS letters,
  @@sort_buffer_size <> 77777 AS is_usual, IS_FREE_LOCK('mine') AS free, 'ä' AS umlaut"""
    outcome = await run("mysql", look, {"database": mysql}, owner="mia")
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == {
        "session": first,
        "me": None,
        "auto": 1,
        "letters": "utf8mb4",
        "is_usual": 1,
        "free": 1,
        "umlaut": "ä",
    }
    gone = await run("mysql", "SELECT * FROM mine", {"database": mysql}, owner="mia")
    assert "mine" in (gone.error or {})["message"]
    elsewhere = await value(run, "mysql", "USE information_schema; SELECT connection_id()", mysql, "mia")
    assert await session(run, "mysql", mysql, "mia") != elsewhere
