"""The rows of an SQL cell as a file: its bytes are sent to the server while the query runs, and held by nobody.

JSON is a list of objects, CSV has a line of names first. Parquet has its index at the end and columns side by side: the
rows wait in a compressed file of the job's own folder, and DuckDB makes the columns' types of what is in them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from json.encoder import encode_basestring
from typing import Any, Protocol

from flowapp.runtimes.guest import sql_embedded
from flowapp.runtimes.guest.frames import FILE, limit_text
from flowapp.runtimes.guest.sql_base import Connection, SqlError
from flowapp.runtimes.guest.sql_results import Send, TooLarge, distinct
from flowapp.runtimes.guest.sql_rows import encode

#: bytes: about this much is sent at once
PIECE = 256 << 10
#: what a row of JSON may be for DuckDB, at least; each of its buffers is twice as large
_LONGEST_ROW = 1 << 20
#: rows of a Parquet file that are held at once
_GROUP = 20_480
#: the type of a column in which there was nothing
_EMPTY = '"NULL"'
#: the folder with DuckDB, for processes that do not have it
drivers = ""


class Format(Protocol):
    """Makes the bytes of a file."""

    def begin(self, columns: Sequence[str]) -> bytes:
        """What stands before the rows."""

    def row(self, row: Sequence[Any]) -> bytes:
        """The next row."""

    def end(self) -> Iterator[bytes]:
        """What is left when there are no more."""


class RowsToFile:
    """Takes the rows of the last statement, as `JsonRows` does, and sends the file; `most` is how many bytes it may have."""

    def __init__(self, kind: str, send: Send, most: int) -> None:
        self._parquet = Parquet() if kind == "parquet" else None
        self._format: Format = self._parquet or (Csv() if kind == "csv" else Json())
        self._send = send
        self._most = self._left = most
        self._piece = bytearray()

    def begin(self) -> None:
        """There is one list only."""

    def end(self) -> None:
        """See `begin`."""

    def write(self, connection: Connection, text: str, values: list[Any], types: list[str]) -> None:
        """Run the statement whose rows are wanted, all of them (see `signatures.sql`).

        Raises:
            TooLarge: the file becomes larger than is kept.
            SqlError: such a file cannot be made of them.
            Exception: see `Connection.execute`.
        """
        own = isinstance(connection, sql_embedded.Duckdb) and connection.is_query(text)
        if self._parquet is not None and own:
            # its own types are more than what could be found in JSON
            connection.execute(f"COPY ({text}\n) TO '{self._parquet.made}' (FORMAT parquet)", values, types)
            self._add_all(self._parquet.content())
            return
        answer = connection.execute(text, values, types)
        self.rows(answer.columns or (answer.described() if answer.described is not None else ()), answer.rows)

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], **_shape: bool) -> None:
        """Write rows, once.

        Raises:
            TooLarge, SqlError: see `write`.
        """
        self._add(self._format.begin(distinct(columns)))
        for row in rows:
            self._add(self._format.row(row))
        self._add_all(self._format.end())

    def rest(self) -> bytes:
        """Send what is left; the answer itself is empty."""
        if self._piece:
            self._send(FILE, bytes(self._piece))
            self._piece.clear()
        return b""

    def _add_all(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._add(piece)

    def _add(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(
                f"The file is larger than the {limit_text(self._most)} that are kept. Select less, or add a LIMIT."
            )
        self._piece += data
        if len(self._piece) >= PIECE:
            self.rest()


class Json:
    """A list of objects, a row on each line."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._before = b"\n"

    def begin(self, columns: Sequence[str]) -> bytes:
        """See `Format`."""
        self._keys = _keys(columns)
        return b"["

    def row(self, row: Sequence[Any]) -> bytes:
        """See `Format`."""
        before, self._before = self._before, b",\n"
        return before + _object(self._keys, row)

    def end(self) -> Iterator[bytes]:
        """See `Format`."""
        yield b"\n]\n"


class Csv:
    """As RFC 4180 has it, in UTF-8. NULL is an empty cell."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    def begin(self, columns: Sequence[str]) -> bytes:
        """See `Format`."""
        if columns:
            self._writer.writerow(columns)
        return b""

    def row(self, row: Sequence[Any]) -> bytes:
        """See `Format`."""
        self._writer.writerow([_cell(value) for value in row])
        return self._taken() if self._text.tell() >= PIECE else b""

    def end(self) -> Iterator[bytes]:
        """See `Format`."""
        yield self._taken()

    def _taken(self) -> bytes:
        lines = self._text.getvalue().encode("utf-8", "replace")
        self._text.seek(0)
        self._text.truncate()
        return lines


class Parquet:
    """Made of the rows that wait as JSON, a compressed line for each."""

    def __init__(self) -> None:
        self._folder = os.path.join(os.environ["TMPDIR"], "duckdb")
        os.makedirs(self._folder, exist_ok=True)
        self._waiting, self.made = (os.path.join(self._folder, name) for name in ("rows.json.gz", "rows.parquet"))
        self._columns: Sequence[str] = ()
        self._keys: list[str] = []
        self._longest = _LONGEST_ROW
        self._file: gzip.GzipFile | None = None

    def begin(self, columns: Sequence[str]) -> bytes:
        """See `Format`."""
        self._columns, self._keys = columns, _keys(columns)
        return b""

    def row(self, row: Sequence[Any]) -> bytes:
        """See `Format`."""
        if self._file is None:
            self._file = gzip.open(self._waiting, "wb", compresslevel=1)  # noqa: SIM115  # closed before it is read
        line = _object(self._keys, row, _exact)
        self._longest = max(self._longest, len(line))
        self._file.write(line + b"\n")
        return b""

    def end(self) -> Iterator[bytes]:
        """See `Format`."""
        if self._columns:
            self._convert()
        yield from self.content()

    def content(self) -> Iterator[bytes]:
        """The file that was made, after which nothing of it is left."""
        if not os.path.exists(self.made):
            raise SqlError("ExecutionErr", "The last statement has no columns, of which a Parquet file could be made.")
        with open(self.made, "rb") as file:
            while piece := file.read(PIECE):
                yield piece
        os.remove(self.made)

    def _convert(self) -> None:
        if drivers and drivers not in sys.path:
            sys.path.append(drivers)
        database = sql_embedded.Duckdb(sql_embedded.MEMORY, read_only=False, threads=1, share=5)
        database.run(f"CREATE VIEW found AS {self._source()}")
        kinds = {str(name): str(kind) for name, kind, *_ in database.run("DESCRIBE found")}
        columns = ", ".join(_typed(name, kinds[name]) for name in self._columns)
        # names are quoted, and the paths are ours
        database.run(f"COPY (SELECT {columns} FROM found) TO '{self.made}' (FORMAT parquet, ROW_GROUP_SIZE {_GROUP})")  # noqa: S608
        database.close()
        if self._file is not None:
            os.remove(self._waiting)

    def _source(self) -> str:
        if self._file is None:
            names = ", ".join(f"NULL::VARCHAR AS {_quoted(name)}" for name in self._columns)
            return f"SELECT {names} LIMIT 0"
        self._file.close()
        return (
            f"FROM read_json('{self._waiting}', format='newline_delimited', compression='gzip', sample_size=-1, "
            f"maximum_object_size={self._longest + 1})"
        )


def _typed(name: str, kind: str) -> str:
    """A column; one of no type as text."""
    if kind == "JSON":
        return f"{_quoted(name)}->>'$' AS {_quoted(name)}"
    return f"{_quoted(name)}::VARCHAR AS {_quoted(name)}" if kind == _EMPTY else _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _keys(columns: Sequence[str]) -> list[str]:
    return [encode_basestring(name) + ":" for name in columns]


def _object(keys: list[str], row: Sequence[Any], text: Callable[[Any], str] = encode) -> bytes:
    fields = [key + text(value) for key, value in zip(keys, row, strict=True)]
    return ("{" + ",".join(fields) + "}").encode("utf-8", "replace")


def _exact(value: Any) -> str:
    """As `encode`, with whole numbers that Parquet has and JavaScript has not."""
    return str(value) if type(value) is int and -(1 << 63) <= value < 1 << 63 else encode(value)


def _cell(value: Any) -> Any:
    """A value as text: as in JSON, texts by themselves."""
    if value is None or type(value) is str:
        return value
    text = encode(value)
    return json.loads(text) if text[0] == '"' else None if text == "null" else text
