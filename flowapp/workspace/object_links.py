"""Signed addresses of stored files: whoever has one reads that file until its time is over, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, urlencode

from flowapp.jsontext import dumps

DEFAULT_S = 12 * 3600
LEAST_S, MOST_S = 60, 7 * 86400


def signed(key: bytes, workspace: str, storage: str, file_key: str, expires: int) -> str:
    """The query of an address of the file that is good until `expires` (seconds since 1970)."""
    return urlencode({"exp": expires, "sig": _signature(key, workspace, storage, file_key, expires)})


def is_good(key: bytes, workspace: str, storage: str, file_key: str, query: str, now: float) -> bool:
    """Whether the query of an address lets its bearer read the file now."""
    fields = parse_qs(query)
    expires, given = fields.get("exp", [""])[0], fields.get("sig", [""])[0]
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12) or int(expires) < now:
        return False
    right = _signature(key, workspace, storage, file_key, int(expires))
    return hmac.compare_digest(right.encode(), given.encode("utf-8", "replace"))


def _signature(key: bytes, workspace: str, storage: str, file_key: str, expires: int) -> str:
    message = dumps([workspace, storage, file_key, expires]).encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()
