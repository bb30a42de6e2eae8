"""From a job to the pool and the texts that its process gets, or to the reason why no process gets it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.languages import LANGUAGES
from flowapp.runtimes.adapters import Adapters, Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job, Limits, Outcome, RuntimeSettings
from flowapp.runtimes.packages.packages import Packages


async def nothing(_job: Job, _prepared: Prepared, _tell: Callable[[str], None]) -> Outcome:
    raise AssertionError("nothing is run before these")


TALK = Talk(lambda _text: None, lambda: False, nothing)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    bun = tmp_path / "bun"
    bun.touch()
    settings = RuntimeSettings(
        home=tmp_path, drivers=Path(sys.prefix) / "sql", go=tmp_path / "go", idle=2, idle_deno=1, idle_bun=1
    )
    return Setup(settings, "deno", bun, True, "3.11.2", Packages(settings))


def job(language: str, code: str = "", **more: str) -> Job:
    return Job("j", language, code, JsonText("{}"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "kind"),
    [("python3", "script"), ("bash", "script"), ("deno", "deno"), ("bun", "bun"), ("sqlite", "sqlite")],
)
async def test_pools_of_languages(setup: Setup, language: str, kind: str) -> None:
    adapters = Adapters(setup)
    prepared = await adapters.prepare(job(language), TALK)
    assert isinstance(prepared, Prepared)
    assert prepared.kind == kind
    assert adapters.pools()[kind] == {"script": 2, "sqlite": 0}.get(kind, 1)
    assert json.loads(prepared.texts[0])["language"] == language


async def test_every_language_runs_or_says_why_not(setup: Setup) -> None:
    adapters = Adapters(setup)
    for language in LANGUAGES:
        if not language.runnable:
            with pytest.raises(Refused) as refused:
                await adapters.prepare(job(language.name), TALK)
            assert refused.value.error["message"] == language.why_not
    assert {language.name for language in LANGUAGES if language.runnable} == set(adapters.facts())
    with pytest.raises(Refused, match="'klingon' is not a language"):
        await adapters.prepare(job("klingon"), TALK)


@pytest.mark.parametrize("name", ["main()", "", "a b", "1a", "class", "a" * 65, "x\n"])
async def test_entrypoints_that_are_refused(setup: Setup, name: str) -> None:
    with pytest.raises(Refused, match="cannot be the name of a function"):
        await Adapters(setup).prepare(job("python3", entrypoint=name), TALK)


async def test_missing_deno_is_said(setup: Setup) -> None:
    without = replace(setup, deno=None, bun=None)
    for language in ("deno", "bun"):
        with pytest.raises(Refused, match="need Deno"):
            await Adapters(without).prepare(job(language), TALK)


async def test_missing_drivers_are_said(setup: Setup, tmp_path: Path) -> None:
    settings = RuntimeSettings(home=tmp_path, drivers=tmp_path, go=tmp_path / "go")
    adapters = Adapters(replace(setup, settings=settings))
    await adapters.start()
    with pytest.raises(Refused, match="need the Python package psycopg"):
        await adapters.prepare(job("postgresql", "SELECT 1"), TALK)
    assert adapters.facts()["duckdb"]["available"] is False
    assert adapters.facts()["sqlite"]["available"] is True


async def test_a_broken_sql_script_is_refused_with_its_line(setup: Setup) -> None:
    with pytest.raises(Refused) as refused:
        await Adapters(setup).prepare(job("sqlite", "SELECT 1;\nSELECT 'a"), TALK)
    assert refused.value.error["line"] == 2


async def test_whose_connection_stays_open(setup: Setup) -> None:
    adapters = Adapters(setup)
    await adapters.start()
    database: dict[str, object] = {"host": "db", "user": "u", "password": "p"}

    async def keeps(
        by: Adapters = adapters, language: str = "postgresql", given: object = database, **more: Any
    ) -> bytes:
        args = JsonText(json.dumps({"database": given, "other": "p"}))
        prepared = await by.prepare(replace(Job("j", language, "SELECT 1", args, owner="ada"), **more), TALK)
        assert isinstance(prepared, Prepared)
        assert (json.loads(prepared.texts[0])["sql"]["keeps"], json.loads(prepared.texts[0])["env"]) == (
            bool(prepared.keeps),
            {},
        )
        return prepared.keeps

    first = await keeps(env={"WM_TOKEN": "t"})
    assert first == await keeps(given=dict(reversed(database.items())))
    others = [await keeps(given={**database, "password": "q"}), await keeps(owner="bob"), await keeps(language="mysql")]
    assert len({first, *others, b""}) == 5
    assert await keeps(owner="") == b""
    assert await keeps(given="host=db password=p") == b""
    assert await keeps(language="sqlite") == b""
    assert await keeps(limits=Limits(memory_mb=200)) == b""
    # Where another job could look into the process, nothing stays in it.
    together = Adapters(replace(setup, apart=False))
    await together.start()
    assert await keeps(together) == b""
