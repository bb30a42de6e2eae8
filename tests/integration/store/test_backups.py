"""A backup taken while runs are under way is an installation in which all of them end as they must."""

from __future__ import annotations

import asyncio
import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import zstandard

from flowapp.store.backups import archive, copying
from flowapp.store.backups.errors import BackupError, BackupUnusable, RestoreRefused
from flowapp.store.backups.making import Place, make
from flowapp.store.backups.restoring import restore
from flowapp.store.beside import engine_of
from flowapp.store.errors import DatabaseUnsupported, HomeInUse
from flowapp.store.home import lock_home
from flowapp.store.migrations import newest
from tests.live import Live, W, live

RUNS = 24
LARGE = 400_000
SECRET = "the secret of this test"


def bash(step_id: str, code: str, **more: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "language": "bash", "content": code, "input_transforms": {}}
    return {"id": step_id, "value": value, **more}


def number(step_id: str, expr: str) -> dict[str, Any]:
    """A step that takes a while and passes a number on."""
    transforms = {"n": {"type": "javascript", "expr": expr}}
    value = {
        "type": "rawscript",
        "language": "python3",
        "content": "import time\ndef main(n: int):\n    time.sleep(0.1)\n    return n + 1",
        "input_transforms": transforms,
    }
    return {"id": step_id, "value": value}


CHAIN = [number("a", "flow_input.n"), number("b", "results.a"), number("c", "results.b"), number("d", "results.c")]
ASKS = [bash("ask", "echo asked", suspend={"required_events": 1, "timeout": 3600}), number("after", "41")]
LARGE_ONE = [bash("big", f"head -c {LARGE} /dev/zero | tr '\\0' x")]


def place_of(home: Path, url: str) -> Place:
    return Place(url, home, "", home / "runtimes" / "shared")


async def deploy(server: Live) -> None:
    await server.post("folders/create", {"name": "t"}, status=200)
    for path, modules in (("f/t/chain", CHAIN), ("f/t/asks", ASKS), ("f/t/large", LARGE_ONE)):
        await server.post("flows/create", {"path": path, "summary": "", "value": {"modules": modules}})
    variable = {"path": "f/t/secret", "value": SECRET, "is_secret": True, "description": ""}
    await server.post("variables/create", variable)


async def run(server: Live, path: str, args: dict[str, Any] | None = None) -> str:
    return (await server.post(f"jobs/run/f/{path}", args or {})).text


def rows(url: str, home: Path, query: str) -> list[dict[str, Any]]:
    """What a database holds, beside any server."""
    engine = engine_of(url, home)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query)).mappings()]
    finally:
        engine.dispose()


def recorded_steps(url: str, home: Path) -> dict[str, tuple[str, str]]:
    """When the finished steps began and ended, by their ids."""
    found = rows(
        url, home, "SELECT id, started_at, ended_at FROM job WHERE ended_at IS NOT NULL AND status = 'success'"
    )
    return {row["id"]: (row["started_at"], row["ended_at"]) for row in found}


@pytest.fixture
def target_url(store_url: str, request: pytest.FixtureRequest) -> str:
    """The database to restore into, of the same kind."""
    return "" if not store_url else str(request.getfixturevalue("new_postgres_database"))


async def test_a_backup_under_load_is_consistent(store_url: str, target_url: str, tmp_path: Path) -> None:
    home, backups = tmp_path / "home", [tmp_path / f"{number}.backup" for number in range(3)]
    before = place_of(home, store_url)
    async with live(home, store_url) as server:
        await deploy(server)
        stored = Path("objects", "main", "reports", "a b.txt")
        (home / stored).parent.mkdir(parents=True)
        (home / stored).write_text("kept")
        (home / f"{stored}#1").write_text("half of one that is being written")
        asked = await run(server, "f/t/asks")
        large = await run(server, "f/t/large")
        await server.ended(large)
        ids: list[str] = []

        async def load() -> None:
            for n in range(RUNS):
                ids.append(await run(server, "f/t/chain", {"n": n}))
                await asyncio.sleep(0.04)

        loading = asyncio.create_task(load())
        for file in backups:
            await asyncio.sleep(0.25)
            await asyncio.to_thread(make, before, file, with_key=True)
        assert not loading.done(), "the load ended before the last backup"
        await loading
        for n, job in enumerate(ids):
            assert (await server.ended(job))["result"] == n + 4
    assert not list(home.glob("backup-*"))

    second = place_of(tmp_path / "second", target_url)
    restore(backups[-1], second)
    assert (second.home / stored).read_text() == "kept"
    assert [file.name for file in (second.home / stored).parent.iterdir()] == ["a b.txt"]
    known = rows(target_url, second.home, "SELECT id, status, result FROM run WHERE path = 'f/t/chain'")
    states = {row["status"] for row in known}
    assert "success" in states, "the backup should hold finished runs"
    assert states - {"success"}, "the backup should hold unfinished runs"
    recorded = recorded_steps(target_url, second.home)
    async with live(second.home, target_url) as server:
        for row in known:
            ended = await server.ended(row["id"])
            assert (ended["success"], ended["result"]) == (True, ids.index(row["id"]) + 4)
        assert len((await server.get(f"jobs_u/completed/get_result/{large}")).strip("\n")) == LARGE
        assert (await server.client.get(f"{W}/variables/get_value/f/t/secret")).json() == SECRET
        waiting = await server.get(f"jobs_u/get/{asked}")
        assert waiting["type"] == "QueuedJob"
        await server.post(f"jobs/flow/resume/{asked}", {})
        assert (await server.ended(asked))["result"] == 42
        again = await run(server, "f/t/chain", {"n": 100})
        assert (await server.ended(again))["result"] == 104
    after = recorded_steps(target_url, second.home)
    assert {step: after[step] for step in recorded} == recorded, "a step whose result was stored ran again"


async def test_what_happens_between_the_two_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on between the copies of the two databases goes on, or is over, after the restore.

    In the other order the engine's database would know its second segment as done, and would never begin it again.
    """
    first_copied, go_on = threading.Event(), threading.Event()
    plain = copying.copy_sqlite

    def slow(source: Path, target: Path) -> None:
        plain(source, target)
        first_copied.set()
        assert go_on.wait(30)

    monkeypatch.setattr(copying, "copy_sqlite", slow)
    async with live(tmp_path / "home") as server:
        await deploy(server)
        asked = await run(server, "f/t/asks")
        async with asyncio.timeout(20):
            while not await server.get("approvals"):
                await asyncio.sleep(0.02)
        copying_all = asyncio.create_task(
            asyncio.to_thread(make, place_of(tmp_path / "home", ""), tmp_path / "backup", with_key=False)
        )
        await asyncio.to_thread(first_copied.wait, 30)
        await server.post(f"jobs/flow/resume/{asked}", {})
        assert (await server.ended(asked))["result"] == 42
        await asyncio.sleep(0.3)  # the engine notes the end of the segment a moment later
        go_on.set()
        await copying_all
    second = place_of(tmp_path / "second", "")
    restore(tmp_path / "backup", second)
    async with live(second.home) as server:
        if (await server.get(f"jobs_u/get/{asked}"))["type"] == "QueuedJob":
            await server.post(f"jobs/flow/resume/{asked}", {})
        assert (await server.ended(asked))["result"] == 42


async def test_every_backup_of_a_busy_server_can_be_read(tmp_path: Path) -> None:
    """Backups one after another while rows and stored contents are written: each has all that its rows refer to."""
    home = tmp_path / "home"
    async with live(home) as server:
        await deploy(server)
        starting = [asyncio.create_task(run(server, "f/t/large")) for _ in range(8)]
        for count in range(3):
            await asyncio.to_thread(make, place_of(home, ""), tmp_path / f"{count}", with_key=False)
        jobs = await asyncio.gather(*starting)
        for job in jobs:
            await server.ended(job)
    for count in range(3):
        second = tmp_path / f"home{count}"
        restore(tmp_path / f"{count}", place_of(second, ""))
        assert rows("", second, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        refered = {row["blob"] for row in rows("", second, "SELECT blob FROM value WHERE blob IS NOT NULL")}
        there = {file.name.removesuffix(".zst") for file in second.glob("blobs/??/*.zst")}
        assert refered <= there


@pytest.fixture
async def stopped(tmp_path: Path) -> Place:
    """An installation with a secret, and no server on it."""
    async with live(tmp_path / "home") as server:
        await deploy(server)
        shared = server.services.settings.home / "runtimes" / "shared" / "run"
        (shared / "sub").mkdir(parents=True)
        (shared / "sub" / "file").write_text("shared")
        (shared / "link").symlink_to("/etc/passwd")
    return place_of(tmp_path / "home", "")


def members(file: Path) -> Iterator[str]:
    with zstandard.open(file, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        yield from (info.name for info in tar)


async def test_the_key_is_left_out_unless_asked_for(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "without", with_key=False)
    make(stopped, tmp_path / "with", with_key=True)
    assert "secret.key" not in set(members(tmp_path / "without"))
    assert "secret.key" in set(members(tmp_path / "with"))
    key = (stopped.home / "secret.key").read_bytes()
    with zstandard.open(tmp_path / "without", "rb") as stream:
        assert key not in stream.read()
    assert stat.S_IMODE((tmp_path / "with").stat().st_mode) == 0o600

    bare = place_of(tmp_path / "bare", "")
    restore(tmp_path / "without", bare)
    assert not (bare.home / "secret.key").exists()
    (bare.home / "secret.key").write_bytes(key)
    async with live(bare.home) as server:
        assert (await server.client.get(f"{W}/variables/get_value/f/t/secret")).json() == SECRET


async def test_what_is_restored_is_for_its_owner_and_shared_folders_for_jobs(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "backup", with_key=True)
    made = place_of(tmp_path / "made", "")
    restore(tmp_path / "backup", made)
    for name in ("flowapp.db", "dbos.db", "secret.key"):
        assert stat.S_IMODE((made.home / name).stat().st_mode) == 0o600, name
    assert (made.shared / "run/sub/file").read_text() == "shared"
    assert not (made.shared / "run/link").exists()
    assert stat.S_IMODE((made.shared / "run").stat().st_mode) == 0o777
    assert sorted(os.listdir(made.home)) == ["dbos.db", "flowapp.db", "flowapp.lock", "runtimes", "secret.key"]


async def test_nothing_is_overwritten(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "backup", with_key=False)
    with pytest.raises(BackupError, match="is there already"):
        make(stopped, tmp_path / "backup", with_key=False)
    with pytest.raises(RestoreRefused, match="There is an installation already"):
        restore(tmp_path / "backup", stopped)
    with closing(lock_home(tmp_path / "busy")), pytest.raises(HomeInUse):
        restore(tmp_path / "backup", place_of(tmp_path / "busy", ""))


async def test_another_key_is_refused(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "backup", with_key=False)
    other = replace(place_of(tmp_path / "other", ""), key="another key, which is long enough to be one")
    with pytest.raises(RestoreRefused, match="The key here is not the one"):
        restore(tmp_path / "backup", other)
    assert not (other.home / "flowapp.db").exists()


async def test_another_kind_of_database_is_refused(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "backup", with_key=False)
    with pytest.raises(RestoreRefused, match="one of sqlite"):
        restore(tmp_path / "backup", place_of(tmp_path / "other", "postgresql://flowapp@127.0.0.1:1/nothing"))


async def test_damaged_files_and_what_is_no_backup(stopped: Place, tmp_path: Path) -> None:
    make(stopped, tmp_path / "backup", with_key=False)
    whole = (tmp_path / "backup").read_bytes()
    target = place_of(tmp_path / "target", "")
    for content in (b"", b"no backup at all", whole[: len(whole) // 2], whole[:-200] + b"x" * 200, whole[:20]):
        (tmp_path / "damaged").write_bytes(content)
        with pytest.raises(BackupUnusable):
            restore(tmp_path / "damaged", target)
        assert not (target.home / "flowapp.db").exists()
        assert not (target.home / "restore.tmp").exists()
    restore(tmp_path / "backup", target)


@pytest.mark.parametrize("name", ["../outside", "shared/../../outside", "/etc/outside", "flowapp.db", "blobs/../x.zst"])
def test_a_member_with_another_name_is_refused(name: str, tmp_path: Path) -> None:
    manifest = archive.Manifest("0", "now", "sqlite", newest(), "", False)
    with archive.writing(tmp_path / "evil", manifest) as writer:
        writer.text(name, b"x")
    with pytest.raises(BackupUnusable, match="which no backup has"):
        restore(tmp_path / "evil", place_of(tmp_path / "home", ""))
    assert not (tmp_path / "outside").exists()


def test_one_of_a_later_version_is_refused(tmp_path: Path) -> None:
    for schema, version in (("9999", 1), ("0001", 2)):
        with archive.writing(tmp_path / "later", archive.Manifest("9.9", "now", "sqlite", schema, "", False, version)):
            pass
        with pytest.raises(BackupUnusable, match=r"later version of Flowapp \(9.9\)"):
            restore(tmp_path / "later", place_of(tmp_path / "home", ""))


def test_without_an_installation_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnsupported, match="There is no database"):
        make(place_of(tmp_path, ""), tmp_path / "backup", with_key=False)
    assert not (tmp_path / "backup").exists()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(copying, "VERSIONS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError) as refused:
        copying.dump_postgres("postgresql://a:b@127.0.0.1/c", tmp_path / "dump")
    assert "pg_dump is not installed" in refused.value.message
    assert "postgresql-client" in refused.value.hint


def test_the_password_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(BackupError) as refused:
        copying.dump_postgres("postgresql://somebody:very-secret-word@127.0.0.1:1/c", tmp_path / "dump")
    assert "very-secret-word" not in str(refused.value)
    assert "pg_dump failed" in refused.value.message
