"""Passwords: argon2id hashes. Hashing takes tens of milliseconds and megabytes on purpose, so it never runs on the event loop,
and at most two run at once.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from flowapp.access.errors import PasswordInvalid

SHORTEST = 8
LONGEST = 1024
_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="passwords")


@cache
def _nobody() -> str:
    """Compared with when there is no such person: an answer must take as long either way."""
    return _HASHER.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The hash to store.

    Raises:
        PasswordInvalid: shorter than 8 or longer than 1024 characters.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordInvalid(f"A password has {SHORTEST} to {LONGEST} characters.", "A sentence is easy to remember.")
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one's. With nothing stored it takes as long, and is False."""
    if len(password) > LONGEST:
        return False

    def work() -> bool:
        try:
            return _HASHER.verify(stored or _nobody(), password) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False

    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
