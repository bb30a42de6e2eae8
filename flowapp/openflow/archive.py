"""A flow's folder as a zip archive, in memory. Nothing is ever unpacked to a disk.

An archive comes from a stranger: names, sizes and what its directory says of itself are not believed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from flowapp.openflow import jsondata
from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.problems import Problem

RULE = "doc.archive"
MAX_PACKED = 5_000_000
"""Bytes of an archive. The text of the largest document allowed packs into half of it."""
MAX_UNPACKED = 20_000_000
"""Bytes of all files together."""
MAX_FILES = 2_000
MAX_RATIO = 200
"""How many times larger than packed a file may be, beyond `FREE_SIZE`. Code comes to about 5, repeated lines to 50."""
FREE_SIZE = 1_000_000

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_SYMLINK = 0o120000
_KIND_OF_FILE = 0o170000


def pack(files: Mapping[str, str], folder: str) -> bytes:
    """The zip archive of these files (content by name), in a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, str]:
    """The files of a zip archive, content by name. Folders, hidden files and what macOS adds are left out.

    Raises:
        DocumentInvalid: it is too large, packed or unpacked, or not a zip archive; or some files are encrypted, no UTF-8 text,
            there twice, or named as if they were outside of the archive. All of those are listed.
    """
    if len(data) > MAX_PACKED:
        jsondata.refuse(RULE, f"The archive has {len(data):,} bytes; {MAX_PACKED:,} are the limit.", _ONLY)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _files(archive)
    # of damaged archives zipfile raises whatever the bytes led to: struct.error, zlib.error, ValueError, …
    except DocumentInvalid:
        raise
    except Exception:
        jsondata.refuse(
            RULE, "This is not a zip archive, or it is damaged.", "Pack the folder again, or import its YAML."
        )


_ONLY = "Pack only the folder of the flow: flow.yaml and the scripts that it names."


def _files(archive: zipfile.ZipFile) -> dict[str, str]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _hidden(entry.filename)]
    if len(entries) > MAX_FILES:
        jsondata.refuse(RULE, f"The archive has {len(entries):,} files; {MAX_FILES:,} are the limit.", _ONLY)
    problems: list[Problem] = []
    found: dict[str, str] = {}
    left = MAX_UNPACKED
    for entry in entries:
        said = f"{entry.filename} is there twice." if entry.filename in found else _objection(entry)
        if not said:
            content = _content(archive, entry, left)
            left -= len(content)
            try:
                found[entry.filename] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                said = f"{entry.filename} is not UTF-8 text."
        if said:
            problems.append(Problem(RULE, "error", said, _ONLY, ""))
    if problems:
        raise DocumentInvalid(problems)
    return found


def _hidden(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or (parts[-1].startswith(".") and parts[-1] not in (".", ".."))


def _objection(entry: zipfile.ZipInfo) -> str:
    """What is wrong with a file before it is read; "" if nothing is."""
    name, parts = entry.filename, entry.filename.split("/")
    if ".." in parts or "." in parts or "" in parts or "\\" in name or ":" in parts[0] or not name.isprintable():
        return f"{name!r} is no name for a file inside of an archive."
    if (entry.external_attr >> 16) & _KIND_OF_FILE == _SYMLINK:
        return f"{name} is a link to another file."
    if entry.flag_bits & _ENCRYPTED:
        return f"{name} is encrypted."
    if entry.compress_type not in _METHODS:
        return f"{name} is packed in a way that few programs read."
    return ""


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """The file's bytes, read no further than the limits go."""
    most = min(left, max(FREE_SIZE, entry.compress_size * MAX_RATIO))
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if len(content) <= most:
        return content
    if most == left:
        jsondata.refuse(RULE, f"The archive's files have more than {MAX_UNPACKED:,} bytes together, the limit.", _ONLY)
    jsondata.refuse(RULE, f"{entry.filename} grows to more than {MAX_RATIO} times its packed size.", _ONLY)
