"""Tokens: made here, stored as hashes only, never logged."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal

TokenKind = Literal["session", "api", "signin", "invitation", "link"]

_PREFIX: dict[TokenKind, str] = {"session": "fs_", "api": "fa_", "signin": "fi_", "invitation": "fv_", "link": "fl_"}
SHOWN = 10
"""So many characters of a token are kept in clear, by which lists show it and people revoke it."""


def new_token(kind: TokenKind) -> str:
    """A random token of 256 bits; the prefix says what leaked, should one leak."""
    return _PREFIX[kind] + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored. Tokens are long and random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).hexdigest()


def same_token(token: str, expected: str) -> bool:
    """Constant-time comparison of a given token with a configured one; an empty one never matches."""
    if not expected.strip():
        return False
    return hmac.compare_digest(hash_token(token), hash_token(expected))
