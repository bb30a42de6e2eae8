"""`-- s3`: an SQL script whose rows become a stored file instead of its result.

    -- s3 prefix=exports/daily format=csv storage=archive

All three are optional. Their syntax, the defaults and how the file is called are Windmill's.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowapp.signatures.sql_text import header_lines

FORMATS = ("json", "csv", "parquet")
BY_SCRIPT = "wmill_datalake"
"""Where files are by the path of what made them, unless it names a prefix."""
_PLACES = ("prefix", "storage")
_NOWHERE = "unknown_script"


@dataclass(frozen=True, slots=True)
class RowsFile:
    """Where the rows go: `format` is one of `FORMATS`; without a `prefix` files are kept by the path of their script."""

    format: str = "json"
    prefix: str = ""
    storage: str = ""

    def key(self, path: str, job: str) -> str:
        """What the file of a job is called."""
        return f"{self.prefix or f'{BY_SCRIPT}/{path or _NOWHERE}'}/{job}.{self.format}"


def asks_for(text: str) -> bool:
    """Whether a comment line is about such a file."""
    return text == "s3" or text.startswith(("s3 ", "s3\t"))


def read(text: str) -> RowsFile | str:
    """The line of a header, or what is wrong with it."""
    given: dict[str, str] = {}
    for word in text.split()[1:]:
        name, is_set, value = word.partition("=")
        if name not in ("format", *_PLACES) or not is_set or not value:
            return f"{word!r} is nothing that `-- s3` knows: write prefix=…, format={'|'.join(FORMATS)} or storage=…"
        if name in given:
            return f"`-- s3` has two of {name}."
        given[name] = value
    if given.get("format", FORMATS[0]) not in FORMATS:
        return f"{given['format']} is no format of `-- s3`. There are {', '.join(FORMATS)}."
    return RowsFile(**{**given, "prefix": given.get("prefix", "").strip("/")})


def file_of(code: str) -> RowsFile | None:
    """Where the rows of an SQL script go that says so rightly in its first comment lines."""
    if "s3" not in code:
        return None
    for _, words in header_lines(code):
        if asks_for(words):
            found = read(words)
            return found if isinstance(found, RowsFile) else None
    return None
