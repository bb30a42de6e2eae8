"""The key under which a result may be reused."""

from __future__ import annotations

import hashlib

from flowapp.jsontext import JsonText


def fingerprint(language: str, code: str, lock: str | None, args: JsonText) -> str:
    """32 hex digits that are equal only for the same language, code, lock and resolved arguments.

    `args` is the text of an object whose keys always come in the same order for the same cell. Arguments that stand for
    secrets enter it as keyed hashes, which is the caller's duty. Parts are preceded by their length, so that text cannot
    move from one part into another.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (language, code, "-" if lock is None else f"+{lock}", args):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
