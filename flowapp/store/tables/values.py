"""The tables of contents by their hash, and of what the database knows about itself."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class ValueRow(SQLModel, table=True):
    """A JSON value by the hash of its text: inline up to 64 KB, else in the blob store (`blob` = sha256).

    `created_at` is renewed when the value is stored again, and when a run that referred to it is deleted. `refs` names the
    blobs that its text refers to, with spaces between (None: not known, stored by the first version).
    """

    __tablename__ = "value"
    hash: str = Field(primary_key=True)
    text: str | None = None
    blob: str | None = None
    size: int
    created_at: str
    refs: str | None = None


class BlobRow(SQLModel, table=True):
    """A blob, where several machines share a database (PostgreSQL); files hold them otherwise."""

    __tablename__ = "blob"
    sha256: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    created_at: str = Field(index=True)


class BlobChunkRow(SQLModel, table=True):
    """A piece of a blob's compressed content."""

    __tablename__ = "blob_chunk"
    sha256: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    data: bytes


class CounterRow(SQLModel, table=True):
    """A number that counts up: of a workspace's runs, of a flow's versions."""

    __tablename__ = "counter"
    name: str = Field(primary_key=True)
    value: int


class FactRow(SQLModel, table=True):
    """What the database knows about itself, such as which key its secrets were encrypted with."""

    __tablename__ = "fact"
    name: str = Field(primary_key=True)
    value: str
