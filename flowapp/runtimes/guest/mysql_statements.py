"""Prepared statements of MySQL's and MariaDB's protocol, which PyMySQL lacks: values go beside the text, rows come in binary.

Connecting, TLS, signing in, packets and errors are PyMySQL's (1.2.4, pinned: some of its names used here begin with `_`). What the
packets hold is in MySQL's manual under "Prepared Statements" and "Binary Protocol Resultset". Values of rows are those of PyMySQL's
text protocol, so that a statement gives the same with and without parameters; only FLOAT comes with all of its digits here.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pymysql
    from pymysql.connections import FieldDescriptorPacket, MysqlPacket, MySQLResult

_PREPARE, _EXECUTE, _CLOSE = 0x16, 0x17, 0x19
_OK, _LOCAL_FILE = 0x00, 0xFB
_MORE_RESULTS = 0x0008
_UNSIGNED_COLUMN = 0x20
_UNSIGNED_VALUE = 0x8000
_DOUBLE, _NULL, _LONGLONG, _DECIMAL, _BLOB, _TEXT = 0x05, 0x06, 0x08, 0xF6, 0xFC, 0xFD
_WHOLE = {0x01: "b", 0x02: "h", 0x0D: "h", 0x03: "i", 0x09: "i", 0x08: "q"}
_FLOAT = 0x04
_DIGITS = 6

#: a statement that the protocol cannot prepare, a view that would keep a value
_NOT_PREPARED = (1295, 1351)
_SYNTAX = 1064
#: in any language the message of a syntax error quotes the text from where the server stopped
_AT_A_VALUE = re.compile(r"[^']*'\?")
#: MariaDB prepares these with values, and keeps their text with the question marks: a trigger on which each INSERT fails
_KEEPS_ITS_TEXT = re.compile(
    r"(?:\s++|--[^\n]*+|\#[^\n]*+|/\*(?>.*?\*/))*+(?:CREATE|ALTER)\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=.*?\s)?(?:AGGREGATE\s+)?"
    r"(?:PROCEDURE|FUNCTION|TRIGGER|EVENT)\b",
    re.IGNORECASE | re.DOTALL,
)
_NO_VALUE = (
    "{what} takes no value of an input, as the values of a prepared statement go beside its text (in which each is a `?`). "
    "Write the value out; a name or a number may be declared as `-- %%name%% this/that`, of which one is put into the text."
)

_Reader = Callable[[bytes, int], tuple[Any, int]]
"""Reads one value at a place in a row: the value, and the place after it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a prepared statement answers: names of columns and rows as they come, or how many rows it has changed."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]
    changed: int


class Statements:
    """The prepared statements of one connection, one at a time."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        self._rows: Iterator[Sequence[Any]] | None = None
        self._more = False
        self._id: bytes | None = None

    def execute(self, text: str, values: Sequence[Any]) -> Answer:
        """Prepare the statement on the server and run it with values for its question marks. Rows have to be read before the next call.

        Raises:
            pymysql.Error: the server refuses it, or is lost.
            ValueError: it has another number of question marks than there are values, or one of them is no value of MySQL's;
                or the server would keep the question marks.
        """
        self.finish()
        given = _parameters(values)
        if _KEEPS_ITS_TEXT.match(text):
            raise ValueError(_NO_VALUE.format(what="A statement that makes a procedure, function, trigger or event"))
        prepared, marks = self._prepare(text)
        self._id = prepared
        if marks != len(values):
            raise ValueError(f"MySQL finds {marks} parameters in the statement, and there are {len(values)} values")
        self._connection._execute_command(_EXECUTE, prepared + struct.pack("<BI", 0, 1) + given)
        return self._answer()

    def finish(self) -> None:
        """Let go of the last statement: what the server still has to say is read, and nobody waits for it.

        Raises:
            pymysql.Error: the server is lost.
        """
        while self._rows is not None or self._more:
            if self._rows is None:
                self._answer()
            for _ in self._rows or ():
                continue
        if self._id is not None:
            self._connection._execute_command(_CLOSE, self._id)
            self._id = None

    def _prepare(self, text: str) -> tuple[bytes, int]:
        """The number that the server gives the statement, packed, and how many parameters it finds.

        An error about a place where no value can be says so in a note.
        """
        self._connection._execute_command(_PREPARE, text)
        try:
            packet: MysqlPacket = self._connection._read_packet()
        except Exception as error:
            number, said = (*error.args, "", "")[:2]
            if number in _NOT_PREPARED:
                error.add_note(_NO_VALUE.format(what="This statement"))
            elif number == _SYNTAX and _AT_A_VALUE.match(str(said)):
                error.add_note(_NO_VALUE.format(what="The place at which the server stopped"))
            raise
        prepared, columns, marks = struct.unpack_from("<xIHH", packet.get_all_data())
        for described in (marks, columns):
            for _ in range(described + 1 if described else 0):  # and a packet that ends them
                self._connection._read_packet()
        return struct.pack("<I", prepared), marks

    def _answer(self) -> Answer:
        """The next result of the statement: a call of a procedure has several."""
        from pymysql.connections import MySQLResult
        from pymysql.protocol import OKPacketWrapper

        self._more = False
        packet: MysqlPacket = self._connection._read_packet()
        kind = packet.get_all_data()[0]
        if kind == _OK:
            ok = OKPacketWrapper(packet)
            self._more = bool(ok.server_status & _MORE_RESULTS)
            return Answer([], iter(()), ok.affected_rows)
        if kind == _LOCAL_FILE:
            self._connection._force_close()
            raise ValueError("the server asks for a file of this machine, and gets none")
        result: MySQLResult = MySQLResult(self._connection)
        result.field_count = packet.read_length_encoded_integer()
        result._get_descriptions()
        readers = [_reader(field, *how) for field, how in zip(result.fields, result.converters, strict=True)]
        self._rows = self._read(readers)
        return Answer([str(column[0]) for column in result.description or ()], self._rows, 0)

    def _read(self, readers: list[_Reader]) -> Iterator[Sequence[Any]]:
        from pymysql.protocol import EOFPacketWrapper

        try:
            while True:
                packet: MysqlPacket = self._connection._read_packet()
                if packet.is_eof_packet():
                    self._more = bool(EOFPacketWrapper(packet).server_status & _MORE_RESULTS)
                    return
                yield _row(packet.get_all_data(), readers)
        finally:
            # Also after an error, with which the server ends a result. Nobody leaves this in the middle: see `finish`.
            self._rows = None


def _parameters(values: Sequence[Any]) -> bytes:
    """Which values are NULL, that types follow, types, values.

    Raises:
        ValueError: one is no value of MySQL's.
    """
    missing = 0
    types, texts = [], []
    for number, value in enumerate(values):
        kind, text = _parameter(value)
        missing |= (value is None) << number
        types.append(struct.pack("<H", kind))
        texts.append(text)
    return b"".join([missing.to_bytes((len(values) + 7) // 8, "little"), b"\x01", *types, *texts])


def _parameter(value: Any) -> tuple[int, bytes]:
    if value is None:
        return _NULL, b""
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        unsigned = value >= 1 << 63
        return _LONGLONG | (_UNSIGNED_VALUE if unsigned else 0), struct.pack("<Q" if unsigned else "<q", value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number of MySQL's")
        return _DOUBLE, struct.pack("<d", value)
    if isinstance(value, bytes):
        return _BLOB, _counted(value)
    return _DECIMAL if isinstance(value, (int, Decimal)) else _TEXT, _counted(str(value).encode())


def _counted(text: bytes) -> bytes:
    """Bytes after their number, in the protocol's short form of numbers."""
    size = len(text)
    if size < 0xFB:
        return bytes([size]) + text
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size) + text
    if size < 1 << 24:
        return b"\xfd" + struct.pack("<I", size)[:3] + text
    return b"\xfe" + struct.pack("<Q", size) + text


def _row(data: bytes, readers: list[_Reader]) -> tuple[Any, ...]:
    at = 1 + (len(readers) + 9) // 8
    missing = int.from_bytes(data[1:at], "little") >> 2
    row: list[Any] = []
    for read in readers:
        if missing & 1:
            row.append(None)
        else:
            value, at = read(data, at)
            row.append(value)
        missing >>= 1
    return tuple(row)


def _reader(field: FieldDescriptorPacket, encoding: str | None, convert: Callable[[Any], Any] | None) -> _Reader:
    """How values of a column are read; `encoding` and `convert` are what PyMySQL does with their text."""
    kind = field.type_code
    if kind in _WHOLE:
        form = _WHOLE[kind]
        return _number(struct.Struct("<" + (form.upper() if field.flags & _UNSIGNED_COLUMN else form)))
    if kind == _DOUBLE:
        return _number(struct.Struct("<d"))
    if kind == _FLOAT:
        return _short_float
    if kind in _DATES:
        write = _DATES[kind]
        digits = field.scale

        def read_date(data: bytes, at: int) -> tuple[Any, int]:
            end = at + 1 + data[at]
            text = write(data[at + 1 : end], digits)
            return convert(text) if convert is not None else text, end

        return read_date

    def read_text(data: bytes, at: int) -> tuple[Any, int]:
        size, at = _size(data, at)
        value: Any = data[at : at + size]
        if encoding is not None:
            value = value.decode(encoding)
        return convert(value) if convert is not None else value, at + size

    return read_text


def _number(form: struct.Struct) -> _Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        return form.unpack_from(data, at)[0], at + form.size

    return read


def _short_float(data: bytes, at: int) -> tuple[float, int]:
    """The shortest number that is this one of 32 bits: 1.1 and not 1.10000002384185791015625."""
    exact = struct.unpack_from("<f", data, at)[0]
    for digits in range(_DIGITS, _DIGITS + 3):
        short = float(f"{exact:.{digits}g}")
        if struct.pack("<f", short) == data[at : at + 4]:
            return short, at + 4
    return float(f"{exact:.9g}"), at + 4


def _size(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width


def _date(data: bytes, _digits: int = 0) -> str:
    """No bytes are the zero date."""
    year, month, day = struct.unpack_from("<HBB", data.ljust(4, b"\0"))
    return f"{year:04}-{month:02}-{day:02}"


def _moment(data: bytes, digits: int) -> str:
    hour, minute, second, micro = struct.unpack_from("<BBBI", data.ljust(11, b"\0"), 4)
    return f"{_date(data)} {hour:02}:{minute:02}:{second:02}{_fraction(micro, digits)}"


def _time(data: bytes, digits: int) -> str:
    negative, days, hour, minute, second, micro = struct.unpack_from("<?IBBBI", data.ljust(12, b"\0"))
    return f"{'-' if negative else ''}{days * 24 + hour:02}:{minute:02}:{second:02}{_fraction(micro, digits)}"


def _fraction(micro: int, digits: int) -> str:
    """As many digits as the column has; where it has no number of its own, those that are there."""
    if digits > _DIGITS:
        return f".{micro:06}" if micro else ""
    return f".{micro:06}"[: digits + 1] if digits else ""


_DATES: dict[int, Callable[[bytes, int], str]] = {0x0A: _date, 0x07: _moment, 0x0C: _moment, 0x0B: _time}
