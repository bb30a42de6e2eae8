"""The tables of what flows and scripts use: variables, resources and their types."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class VariableRow(SQLModel, table=True):
    """A variable; a secret's value is encrypted at rest."""

    __tablename__ = "variable"
    workspace: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    value: str
    is_secret: bool = False
    description: str = ""
    edited_by: str
    edited_at: str
    extra: str = "{}"  #: JSON text: account, is_oauth, labels, … as clients sent them


class ResourceRow(SQLModel, table=True):
    """A resource: a typed JSON value (JSON text)."""

    __tablename__ = "resource"
    workspace: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    resource_type: str
    value: str
    description: str = ""
    edited_by: str
    edited_at: str
    extra: str = "{}"


class ResourceVersionRow(SQLModel, table=True):
    """A value that a resource has or had (JSON text). `version` counts within the resource."""

    __tablename__ = "resource_version"
    #: an id is never given out again: who kept one must not find another resource's value under it
    __table_args__ = (Index("ix_resource_version_of", "workspace", "path"), {"sqlite_autoincrement": True})
    id: int | None = Field(default=None, primary_key=True)
    workspace: str
    path: str
    version: int
    value: str
    created_by: str
    created_at: str


class ResourceTypeRow(SQLModel, table=True):
    """A type of resources: the JSON Schema of their values."""

    __tablename__ = "resource_type"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    schema_text: str = "{}"
    description: str = ""
    format_extension: str | None = None
    is_fileset: bool = False
    edited_by: str
    edited_at: str
