"""Sample values for the flow's inputs: uploaded, pasted, shown; and a schema inferred from a sample."""

from __future__ import annotations

import asyncio
from typing import Any

from genson import SchemaBuilder

from flowapp.access.identity import Identity
from flowapp.jsontext import dumps
from flowapp.notebook.operations.types import SetSample
from flowapp.store.blobs import BlobRef
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import InputMissing, UploadNotText, UploadTooLarge

MAX_BYTES = 50 << 20
INLINE_BYTES = 64 * 1024
PAGE = 64 * 1024
MAX_PAGE = 1 << 20
MAX_NAME = 200


class Inputs:
    """Use-cases about the sample values of a draft's flow inputs."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def upload(
        self,
        identity: Identity,
        draft_id: str,
        name: str,
        content: bytes,
        *,
        media_type: str,
        file_name: str,
        client: str,
    ) -> dict[str, Any]:
        """Make a text the sample of an input. Files and texts over 64 KB are stored beside the document. Returns the Change.

        Raises:
            UploadTooLarge: over 50 MB.
            UploadNotText: not UTF-8 (a byte order mark is dropped, UTF-16 with one is read).
        """
        await self._drafts.open(identity, "draft.edit", draft_id)
        value = await self.stored_text(content, media_type=media_type, file_name=file_name)
        return await self._drafts.apply(identity, draft_id, [SetSample(name[:MAX_NAME], value)], client)

    async def stored_text(self, content: bytes, *, media_type: str, file_name: str) -> Any:
        """What stands for a text in a sample: a reference to a file (which keeps its name), else the text while short."""
        if len(content) > MAX_BYTES:
            raise UploadTooLarge(
                f"The file is bigger than {MAX_BYTES >> 20} MB.", "Let a step fetch it from where it is stored."
            )
        text = await asyncio.to_thread(decode, content, file_name)
        if len(content) <= INLINE_BYTES and not file_name:
            return text
        reference = await self._store.blobs.put(
            text.encode(), media_type=media_type[:100] or "text/plain", name=_plain_name(file_name)
        )
        return reference.to_json()

    async def text(
        self, identity: Identity, draft_id: str, name: str, offset: int = 0, limit: int = PAGE
    ) -> dict[str, Any]:
        """`{"text", "total"}`: a piece of an input's sample; values that are no text as their JSON.

        Raises:
            InputMissing: the input has no sample and no default.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        args = draft.document.flow_args()
        if name not in args:
            raise InputMissing(f"The input {name} has no value.", "Upload or type one.")
        value = args[name]
        reference = BlobRef.from_json(value)
        if reference is not None:
            text = await self._store.blobs.read_text(reference.sha256)
        else:
            text = value if isinstance(value, str) else dumps(value)
        start = max(0, offset)
        return {"text": text[start : start + max(0, min(limit, MAX_PAGE))], "total": len(text)}

    async def infer_schema(self, identity: Identity, draft_id: str, sample: Any) -> dict[str, Any]:
        """A JSON Schema of flow inputs that a sample (an object) fits."""
        await self._drafts.open(identity, "draft.read", draft_id)
        return await asyncio.to_thread(schema_of, sample)


def schema_of(sample: Any) -> dict[str, Any]:
    """The schema of a sample; `order` keeps the order of its keys, as forms show them."""
    builder = SchemaBuilder(schema_uri=None)
    builder.add_object(sample)
    schema: dict[str, Any] = builder.to_schema()
    if isinstance(sample, dict):
        schema["order"] = list(sample)
    return schema


def decode(content: bytes, file_name: str) -> str:
    """The text of a file: UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        UploadNotText: anything else.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding, content = "utf-8", content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UploadNotText(
            f"{file_name or 'The upload'} is not UTF-8 text: byte {error.start} in line {line} does not belong in it.",
            "Save it as UTF-8 and upload it again. A file that is no text cannot be a flow input yet.",
        ) from None
    if "\x00" in text:
        raise UploadNotText(
            f"{file_name or 'The upload'} is not text: it holds zero bytes.",
            "A file that is no text (a picture, an archive, a spreadsheet) cannot be a flow input yet.",
        )
    return text


def _plain_name(file_name: str) -> str:
    return file_name.replace("\\", "/").rsplit("/", 1)[-1][:MAX_NAME]
