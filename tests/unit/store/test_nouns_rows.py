"""Rows of scripts and states: what is the head, what a deleted version leaves, what a state is when nobody set it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText
from flowapp.store import scripts, states
from flowapp.store.clock import now
from flowapp.store.stores import Store
from flowapp.store.tables import ScriptRow


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open("", tmp_path / "home")
    yield opened
    await opened.close()


def version(path: str, content: str, parent: str | None = None, workspace: str = "main") -> ScriptRow:
    return ScriptRow(
        workspace=workspace,
        path=path,
        hash="",
        parent_hash=parent,
        content=content,
        language="python3",
        lock="",
        created_by="ada",
        created_at=now(),
    )


class TestScripts:
    async def test_the_newest_version_is_the_head(self, store: Store) -> None:
        first = await store.database.write(lambda c: scripts.add(c, version("f/a/x", "1")))
        second = await store.database.write(lambda c: scripts.add(c, version("f/a/x", "2", first)))
        assert first != second and len(second) == 16 and int(second, 16) >= 0

        latest = await store.database.read(lambda c: scripts.latest(c, "main", "f/a/x"))
        assert latest is not None and (latest.hash, latest.content) == (second, "2")
        old = await store.database.read(lambda c: scripts.by_hash(c, "main", first))
        assert old is not None and old.content == "1"
        assert await store.database.read(lambda c: scripts.ancestors(c, latest)) == [first]
        assert await store.database.read(lambda c: scripts.latest(c, "other", "f/a/x")) is None
        assert await store.database.read(lambda c: scripts.by_hash(c, "other", first)) is None

    async def test_equal_code_is_a_version_of_its_own(self, store: Store) -> None:
        hashes = [await store.database.write(lambda c: scripts.add(c, version("f/a/x", "1"))) for _ in range(2)]
        assert len(set(hashes)) == 2

    async def test_lists_hold_heads_without_their_code(self, store: Store) -> None:
        for path, code in (("f/a/x", "1"), ("f/a/x", "2"), ("f/a/y", "3")):
            await store.database.write(partial(scripts.add, row=version(path, code)))
        light = await store.database.read(lambda c: scripts.heads(c, "main"))
        assert [(row.path, row.content, row.lock) for row in light] == [("f/a/y", "", None), ("f/a/x", "", None)]
        whole = await store.database.read(lambda c: scripts.heads(c, "main", code=True))
        assert [row.content for row in whole] == ["3", "2"]

    async def test_archived_and_deleted(self, store: Store) -> None:
        first = await store.database.write(lambda c: scripts.add(c, version("f/a/x", "1")))
        second = await store.database.write(lambda c: scripts.add(c, version("f/a/x", "2", first)))
        assert await store.database.write(lambda c: scripts.archive_path(c, "main", "f/a/x")) == 2
        assert await store.database.read(lambda c: scripts.latest(c, "main", "f/a/x")) is None
        assert await store.database.read(lambda c: scripts.heads(c, "main")) == []
        assert [r.hash for r in await store.database.read(lambda c: scripts.heads(c, "main", archived=True))] == [
            second
        ]
        assert await store.database.read(lambda c: scripts.by_hash(c, "main", second)) is not None

        assert await store.database.write(lambda c: scripts.delete_hash(c, "main", second))
        assert not await store.database.write(lambda c: scripts.delete_hash(c, "main", second))
        assert await store.database.read(lambda c: scripts.by_hash(c, "main", second)) is None
        head = await store.database.read(lambda c: scripts.head(c, "main", "f/a/x"))
        assert head is not None and head.hash == first
        assert await store.database.write(lambda c: scripts.delete_path(c, "main", "f/a/x")) == 1
        assert await store.database.read(lambda c: scripts.versions(c, "main", "f/a/x")) == []


class TestStates:
    async def test_set_get_clear(self, store: Store) -> None:
        def work(c: Connection) -> None:
            states.set(c, "run", "k", JsonText("1"))
            states.set(c, "run", "k", JsonText("[2]"))
            states.set(c, "other", "k", JsonText("3"))

        await store.database.write(work)
        assert await store.database.read(lambda c: states.get(c, "run", "k")) == "[2]"
        assert await store.database.read(lambda c: states.get(c, "run", "unset")) == "null"
        assert await store.database.read(lambda c: states.all_of_run(c, "run")) == {"k": "[2]"}
        assert await store.database.write(lambda c: states.clear(c, "run")) == 1
        assert await store.database.read(lambda c: states.get(c, "other", "k")) == "3"

    def test_the_cells_of_a_draft_share_its_states(self) -> None:
        assert states.key_of("run-1") == "run-1"
        assert states.key_of("run-1", "d1") == "draft:d1"
