"""Arguments that a run is started with: long texts are set apart as blobs, so that only steps that use them move them."""

from __future__ import annotations

from typing import Any

from flowapp.store.blobs import Blobs
from flowapp.workspace.errors import UploadTooLarge
from flowapp.workspace.inputs import INLINE_BYTES, MAX_BYTES


async def set_apart(blobs: Blobs, args: dict[str, Any]) -> dict[str, Any]:
    """The arguments with every text over 64 KB replaced by a reference to its blob, which stands for the same text.

    Raises:
        UploadTooLarge: a text of over 50 MB.
    """
    return {name: await _reference(blobs, name, value) for name, value in args.items()}


async def _reference(blobs: Blobs, name: str, value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= INLINE_BYTES:
        return value
    try:
        content = value.encode()
    except UnicodeEncodeError:
        return value  # half a surrogate pair: a blob holds UTF-8, the value store keeps it escaped
    if len(content) > MAX_BYTES:
        raise UploadTooLarge(
            f"The input {name} is bigger than {MAX_BYTES >> 20} MB.", "Let a step fetch it from where it is stored."
        )
    return (await blobs.put(content, media_type="text/plain", name="")).to_json()
