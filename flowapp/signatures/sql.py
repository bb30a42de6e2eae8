"""The inputs of an SQL script, which its first comment lines declare, and the script as its process runs it.

`-- $1 name (int) = 5` (PostgreSQL), `-- :name (text)` (MySQL, SQLite), `-- $name (text)` (DuckDB), `-- @P1 name (int)` (SQL Server),
`-- @name (int64)` (BigQuery), `-- ? name (text)` (Snowflake), `-- :name name (text)` (Oracle).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from flowapp.signatures import sql_files
from flowapp.signatures.schema import Argument, Schema, Signature, SignatureProblem, object_schema
from flowapp.signatures.sql_files import RowsFile
from flowapp.signatures.sql_text import Statement, UnfinishedSql, header_lines, statements

DIALECTS = frozenset({"postgresql", "mysql", "duckdb", "sqlite", "mssql", "bigquery", "snowflake", "oracledb"})
COLLECTIONS = frozenset(
    f"{which}_{rows}{scalar}"
    for which in ("last_statement", "all_statements")
    for rows in ("all_rows", "first_row")
    for scalar in ("", "_scalar")
) | {"legacy"}
DATABASE = "database"
_RESOURCES = {
    "postgresql": "resource-postgresql",
    "mysql": "resource-mysql",
    "sqlite": "resource-sqlite",
    "mssql": "resource-ms_sql_server",
    "bigquery": "resource-bigquery",
    "snowflake": "resource-snowflake",
    "oracledb": "resource-oracledb",
}
_MARKS = {"mysql": ":", "sqlite": ":", "oracledb": ":", "mssql": "@", "bigquery": "@"}

_ARGUMENT = re.compile(
    r"(?:\$(?P<number>\d+)|(?P<mark>\?)(?P<place>\d*)|[:@$](?P<named>[A-Za-z_]\w*))"
    r"(?:[ \t]+(?P<name>[A-Za-z_]\w*))?(?:[ \t]*\((?P<type>[^()]*(?:\([^()]*\)[^()]*)?)\))?(?:[ \t]*=[ \t]*(?P<default>.*))?"
)
_INTERPOLATION = re.compile(r"%%(?P<name>[A-Za-z_]\w*)%%(?:[ \t]+\((?P<type>[^)]*)\))?[ \t]*(?P<values>.*)")
_VALUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.$-]*")
_DATABASE = re.compile(r"database[ \t]+(?P<path>\S+)")
_COLLECTION = re.compile(r"result_collection[ \t]*=[ \t]*(?P<name>\w+)")
_CAST = re.compile(r"\$(\d+)::([A-Za-z_]\w*(?:\[\])?)")
_SIZE = re.compile(r"\([^)]*\)")

_GROUPS: tuple[tuple[str, Schema], ...] = (
    (
        "int int2 int4 int8 int64 byteint integer smallint bigint tinyint mediumint serial bigserial",
        {"type": "integer"},
    ),
    ("hugeint utinyint usmallint uinteger ubigint unsigned oid", {"type": "integer"}),
    ("numeric decimal bignumeric dec real float float4 float8 float64 double number money", {"type": "number"}),
    ("bool boolean", {"type": "boolean"}),
    ("json jsonb variant struct map", {}),
    (
        "bytea bytes raw blob binary varbinary longblob mediumblob tinyblob",
        {"type": "string", "contentEncoding": "base64"},
    ),
    ("timestamp timestamptz datetime datetime2 datetimeoffset", {"type": "string", "format": "date-time"}),
    ("date", {"type": "string", "format": "date"}),
    ("time", {"type": "string", "format": "time"}),
    ("uuid uniqueidentifier", {"type": "string", "format": "uuid"}),
)
_TYPES = {name: schema for names, schema in _GROUPS for name in names.split()}


@dataclass(frozen=True, slots=True)
class SqlArgument:
    """One declared input. `key` is how statements refer to it (see `Statement.keys`); `type` as written, in small letters."""

    key: str
    name: str
    type: str
    default: Any = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class SqlScript:
    """An SQL script, read. `interpolated` holds, by name, the values that may be put into the text itself."""

    arguments: tuple[SqlArgument, ...]
    interpolated: dict[str, tuple[str, ...]]
    statements: tuple[Statement, ...]
    database: str = ""
    """The path that `-- database` names."""
    collection: str = "last_statement_all_rows"
    read_only: bool = False
    file: RowsFile | None = None
    """Where its rows go instead of into its result."""


@dataclass(slots=True)
class _Header:
    """What the first comment lines say."""

    dialect: str
    arguments: dict[str, SqlArgument] = field(default_factory=dict)
    interpolated: dict[str, tuple[str, ...]] = field(default_factory=dict)
    database: str = ""
    collection: str = "last_statement_all_rows"
    read_only: bool = False
    file: RowsFile | None = None


def infer(language: str, code: str, _entrypoint: str = "main") -> Signature | SignatureProblem:
    """The inputs of the script: the connection, unless it names one, and what its header declares."""
    if language not in DIALECTS:
        return Signature(object_schema([]), has_kwargs=True)
    script = parse(language, code)
    if isinstance(script, SignatureProblem):
        return script
    inputs = []
    if not script.database and language in _RESOURCES:
        # SQLite without one works in memory.
        inputs.append(Argument(DATABASE, {"type": "object", "format": _RESOURCES[language]}, language != "sqlite"))
    for argument in script.arguments:
        schema = _schema(argument.type)
        if not argument.required and argument.default is not None:
            schema = {**schema, "default": argument.default}
        inputs.append(Argument(argument.name, schema, argument.required))
    inputs += [
        Argument(name, {"type": "string", "enum": list(values)}, True) for name, values in script.interpolated.items()
    ]
    if script.file is not None:
        return Signature(object_schema(inputs), {"type": "object", "format": "resource-s3_object"})
    is_list = script.collection.startswith(("all_", "last_statement_all_rows"))
    return Signature(object_schema(inputs), {"type": "array"} if is_list else None)


def parse(dialect: str, code: str) -> SqlScript | SignatureProblem:
    """The script as its process runs it, or what is wrong with it."""
    header = _Header(dialect)
    for number, text in header_lines(code):
        wrong = _declare(header, text)
        if wrong:
            return SignatureProblem(wrong, number, syntax=False)
    try:
        found = statements(code, dialect, frozenset(header.interpolated))
    except UnfinishedSql as unfinished:
        return SignatureProblem(str(unfinished), unfinished.line)
    if dialect == "bigquery" and header.collection.startswith("all_"):
        message = (
            "BigQuery runs a script as a whole and answers with its last rows: `all_statements_…` is not supported."
        )
        return SignatureProblem(message, 1, syntax=False)
    _declare_used(header, found, dialect, code)
    problem = _undeclared(header, found, dialect) or _twice(header) or _unlike_a_file(header)
    if problem is not None:
        return problem
    return SqlScript(
        tuple(header.arguments.values()),
        header.interpolated,
        tuple(found),
        header.database,
        header.collection,
        header.read_only,
        header.file,
    )


def pinned(language: str, code: str) -> str:
    """The path of the resource that the script itself names (`-- database f/folder/name`); empty when it names none.

    What does not begin with `u/` or `f/` is no resource: SQLite opens it as a file.
    """
    if language not in DIALECTS or DATABASE not in code:
        return ""
    for _, text in header_lines(code):
        match = _DATABASE.fullmatch(text)
        if match is not None:
            path = match["path"].removeprefix("$res:")
            return path if path.startswith(("u/", "f/")) else ""
    return ""


def _declare(header: _Header, text: str) -> str:
    """Take one comment line; answers what is wrong with it, or nothing."""
    if text in ("read_only", "read-only"):
        header.read_only = True
    elif text == "return_last_result":
        header.collection = "last_statement_all_rows"
    elif sql_files.asks_for(text):
        found = sql_files.read(text)
        if isinstance(found, str) or header.file is not None:
            return found if isinstance(found, str) else "There are two lines `-- s3`."
        header.file = found
    elif (match := _DATABASE.fullmatch(text)) is not None:
        header.database = match["path"].removeprefix("$res:")
    elif (match := _COLLECTION.fullmatch(text)) is not None:
        if match["name"] not in COLLECTIONS:
            return f"{match['name']} is no result_collection. There are {', '.join(sorted(COLLECTIONS))}."
        header.collection = match["name"]
    elif (match := _INTERPOLATION.fullmatch(text)) is not None:
        return _declare_values(header, match)
    elif (match := _ARGUMENT.fullmatch(text)) is not None:
        _declare_argument(header, match)
    return ""


def _declare_values(header: _Header, match: re.Match[str]) -> str:
    name = match["name"]
    text = match["values"].strip().removeprefix("/*").removesuffix("*/").strip()
    values = tuple(value.strip() for value in text.split("/")) if text else ()
    if not values:
        return f"Declare the values that %%{name}%% may have: -- %%{name}%% first/second"
    wrong = next((value for value in values if not _VALUE.fullmatch(value)), None)
    if wrong is not None:
        return f"{wrong!r} cannot be put into SQL text: only letters, digits and _ . $ - can."
    header.interpolated[name] = values
    return ""


def _declare_argument(header: _Header, match: re.Match[str]) -> None:
    marks = sum(key.startswith("?") for key in header.arguments) + 1
    named = (match["named"] or "").upper() if header.dialect == "mssql" else match["named"]
    key = match["number"] or named or (match["place"] or f"?{marks}")
    name = match["name"] or match["named"] or f"arg{key.strip('?')}"
    kind = " ".join((match["type"] or "").lower().split())
    kind = "boolean" if kind == "bit" and header.dialect == "mssql" else kind
    header.arguments[key] = _argument(key, name, kind, match["default"])


def _argument(key: str, name: str, kind: str, default: str | None) -> SqlArgument:
    if default is None:
        return SqlArgument(key, name, kind)
    return SqlArgument(key, name, kind, _value(default.strip(), _schema(kind)), required=False)


def _value(text: str, schema: Schema) -> Any:
    """A default, as the value that it stands for; text that is none of the declared type stays text."""
    if text.lower() == "null":
        return None
    if schema.get("type") != "string":
        try:
            return json.loads(text.lower() if schema.get("type") == "boolean" else text)
        except ValueError:
            pass
    return text[1:-1].replace("''", "'") if len(text) >= 2 and text[0] == text[-1] == "'" else text


def _declare_used(header: _Header, found: list[Statement], dialect: str, code: str) -> None:
    """PostgreSQL's `$1` needs no header: it is then called so; and a cast says its type where the header does not."""
    if dialect != "postgresql":
        return
    casts = dict(reversed(_CAST.findall(code)))
    used = dict.fromkeys(key for statement in found for key in statement.keys)
    for key in sorted(used, key=int):
        known = header.arguments.get(key)
        kind = casts.get(key, "").lower()
        if known is None:
            header.arguments[key] = SqlArgument(key, f"${key}", kind)
        elif not known.type and kind:
            default = None if known.required or known.default is None else str(known.default)
            value = known.default if default is None else _value(default, _schema(kind))
            header.arguments[key] = SqlArgument(key, known.name, kind, value, known.required)
    header.arguments = dict(sorted(header.arguments.items(), key=lambda item: int(item[0]) if item[0].isdigit() else 0))


def _schema(kind: str) -> Schema:
    """The schema of a type, by its first word and without sizes; of one that is not known, that of text."""
    if kind.endswith("[]"):
        return {"type": "array", "items": _schema(kind[:-2])}
    words = _SIZE.sub("", kind).split()
    return dict(_TYPES.get(words[0] if words else "", {"type": "string"}))


def _undeclared(header: _Header, found: list[Statement], dialect: str) -> SignatureProblem | None:
    for statement in found:
        for key in statement.keys:
            if key not in header.arguments:
                message = f"The parameter {key} is not declared: begin with `{_example(dialect, key)}`."
                return SignatureProblem(message, statement.line, syntax=False)
    return None


def _twice(header: _Header) -> SignatureProblem | None:
    names = [*header.interpolated, *(argument.name for argument in header.arguments.values())]
    twice = next((name for name in names if names.count(name) > 1), None)
    return None if twice is None else SignatureProblem(f"The input {twice} is declared twice.", 1, syntax=False)


def _unlike_a_file(header: _Header) -> SignatureProblem | None:
    """A file holds the rows of one statement, all of them."""
    if header.file is None or header.collection in ("last_statement_all_rows", "legacy"):
        return None
    message = f"`-- s3` writes all rows of the last statement: leave out result_collection={header.collection}."
    return SignatureProblem(message, 1, syntax=False)


def _example(dialect: str, key: str) -> str:
    if key.startswith("?"):
        return "-- ? name (text)"
    return f"-- {_MARKS.get(dialect, '$')}{key} (text)"
