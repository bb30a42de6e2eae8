"""Passwords: argon2id, never guessed by time, never too short."""

from __future__ import annotations

import pytest

from flowapp.access import passwords
from flowapp.access.errors import PasswordInvalid


async def test_a_password_matches_its_own_hash_only() -> None:
    stored = await passwords.hashed("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await passwords.matches("correct horse battery", stored)
    assert not await passwords.matches("correct horse", stored)
    assert not await passwords.matches("correct horse battery", None)
    assert not await passwords.matches("correct horse battery", "not a hash")
    assert not await passwords.matches("x" * 5000, stored)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
async def test_some_are_refused(password: str) -> None:
    with pytest.raises(PasswordInvalid):
        await passwords.hashed(password)


async def test_nobodys_password_matches_nothing() -> None:
    assert not await passwords.matches("nobody has this password", None)
