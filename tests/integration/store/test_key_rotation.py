"""A new key for all secrets: whole or not at all, on both databases, also when the command is killed in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowapp.store import key_rotation
from flowapp.store.beside import open_beside
from flowapp.store.errors import StoreError
from flowapp.store.key_check import SecretKeyDiffers
from flowapp.store.key_rotation import NEXT_FILE, Rotated, RotationRefused, rotate
from flowapp.store.secret_box import KEY_FILE
from tests.live import Live, live

ELSEWHERE = "a key that comes from somewhere else, 0123456789"


async def stored(server: Live) -> None:
    """A secret, something that is none, and the key of a model."""
    await server.post("variables/create", {"path": "u/admin/secret", "value": "pa$$wörd\n𝄞", "is_secret": True})
    await server.post("variables/create", {"path": "u/admin/plain", "value": "plain", "is_secret": False})
    settings = {"base_url": "https://models.example.com/v1", "key": "sk-model"}
    assert (await server.client.post("/api/w/main/assistant/settings", json=settings)).status_code == 200


async def read(server: Live) -> list[Any]:
    values = [(await server.get(f"variables/get/u/admin/{name}"))["value"] for name in ("secret", "plain")]
    return [*values, (await server.get("assistant/settings"))["key_set"]]


WHOLE = ["pa$$wörd\n𝄞", "plain", True]


async def rotated(url: str, home: Path, key: str = "", new_key: str = "") -> Rotated:
    async with open_beside(url, home) as database:
        return await rotate(database, home, key, new_key)


async def test_secrets_are_read_with_the_new_key(store_url: str, tmp_path: Path) -> None:
    async with live(tmp_path, store_url) as server:
        await stored(server)
    before = (tmp_path / KEY_FILE).read_bytes()
    assert await rotated(store_url, tmp_path) == Rotated(variables=1, models=1)
    assert (tmp_path / KEY_FILE).read_bytes() != before
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / NEXT_FILE).exists()
    async with live(tmp_path, store_url) as server:
        assert await read(server) == WHOLE


@pytest.mark.parametrize("stage", ["before", "after"])
async def test_killed_in_the_middle_the_next_start_goes_on(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live(tmp_path) as server:
        await stored(server)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, "change_key" if stage == "before" else "_take_place", killed)
        with pytest.raises(KeyboardInterrupt):
            await rotated("", tmp_path)
    assert (tmp_path / NEXT_FILE).exists()
    async with live(tmp_path) as server:
        assert await read(server) == WHOLE
    assert not (tmp_path / NEXT_FILE).exists()
    assert await rotated("", tmp_path) == Rotated(variables=1, models=1)


async def test_a_key_from_elsewhere_and_a_wrong_one(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        await stored(server)
    await rotated("", tmp_path, new_key=ELSEWHERE)
    with pytest.raises(SecretKeyDiffers):
        await rotated("", tmp_path)
    assert await rotated("", tmp_path, key=ELSEWHERE) == Rotated(variables=1, models=1)
    async with live(tmp_path) as server:
        assert await read(server) == WHOLE


async def test_what_cannot_be_decrypted_is_named_and_nothing_changes(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        await stored(server)
        await server.post("variables/create", {"path": "u/admin/z", "value": "z", "is_secret": True})
    async with open_beside("", tmp_path) as database:
        broken = "UPDATE variable SET value = 'AAAA' WHERE path = 'u/admin/z'"
        await database.write(lambda connection: connection.exec_driver_sql(broken))
    with pytest.raises(StoreError, match="u/admin/z"):
        await rotated("", tmp_path)
    async with live(tmp_path) as server:
        assert await read(server) == WHOLE


async def test_refused_while_a_server_works(new_postgres_database: str, tmp_path: Path) -> None:
    async with live(tmp_path, new_postgres_database) as server:
        await stored(server)
        with pytest.raises(RotationRefused, match="use this database"):
            await rotated(new_postgres_database, tmp_path)
        assert await read(server) == WHOLE
