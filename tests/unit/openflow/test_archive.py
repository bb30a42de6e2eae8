"""Zip archives of a flow's folder: there and back, and what strangers send instead."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest

from flowapp.openflow import archive, documents
from flowapp.openflow.errors import DocumentInvalid

FLOW = {
    "summary": "Packed",
    "x-unknown": [1, None],
    "value": {
        "modules": [
            {
                "id": "a",
                "summary": "Read rows",
                "value": {
                    "type": "rawscript",
                    "language": "python3",
                    "content": "def main():\r\n    return 'ä'\n",
                    "lock": "requests==2.0",
                    "input_transforms": {},
                },
            }
        ]
    },
}


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of (name, content), exactly as given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, content in files:
            packed.writestr(name, content, compress_type=method)
    return buffer.getvalue()


def refusals(data: bytes) -> list[str]:
    """What is said of an archive that is refused."""
    with pytest.raises(DocumentInvalid) as raised:
        documents.from_archive(data)
    return [problem.message for problem in raised.value.problems]


def test_there_and_back() -> None:
    packed = documents.to_archive(FLOW, "orders")
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        assert opened.namelist()[0] == "orders.flow/flow.yaml"
    assert documents.dump(documents.from_archive(packed)) == FLOW


def test_what_systems_add_to_archives_is_left_out() -> None:
    files = [(f"f/orders.flow/{name}", text.encode()) for name, text in documents.to_folder(FLOW).items()]
    added = [("f/orders.flow/", b""), ("__MACOSX/f/._flow.yaml", b"\x00\xff"), ("f/.DS_Store", b"\x00\xff")]
    assert documents.dump(documents.from_archive(zipped(*files, *added))) == FLOW


@pytest.mark.parametrize(
    "name",
    ["../flow.yaml", "/flow.yaml", "a/../../flow.yaml", "C:/flow.yaml", "a\\..\\flow.yaml", "a//b", "./a", "a\nb"],
)
def test_names_outside_of_the_archive_are_refused(name: str) -> None:
    assert refusals(zipped((name, b"value: {modules: []}"))) == [
        f"{name!r} is no name for a file inside of an archive."
    ]


def test_all_bad_files_are_listed() -> None:
    link = zipfile.ZipInfo("link.py")
    link.external_attr = 0o120777 << 16
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(
            ("flow.yaml", b"value: {modules: []}"),
            ("a.py", b"\xff"),
            (link, b"/etc/passwd"),
            ("b.py", b"1"),
            ("b.py", b"2"),
        )
    assert refusals(data) == ["a.py is not UTF-8 text.", "link.py is a link to another file.", "b.py is there twice."]


def test_other_ways_of_packing_are_refused() -> None:
    assert "few programs" in refusals(zipped(("flow.yaml", b"value: {modules: []}"), method=zipfile.ZIP_LZMA))[0]


def test_encrypted_files_are_refused() -> None:
    data = bytearray(zipped(("flow.yaml", b"value: {modules: []}")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusals(bytes(data)) == ["flow.yaml is encrypted."]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(("flow.yaml", b"#" * 3_000_000))
    assert "200 times its packed size" in refusals(bomb)[0]
    noise = random.Random(1).randbytes(400).hex().encode()
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)
    assert "more than 1,000 bytes together" in refusals(zipped(("a.py", noise), ("b.py", noise)))[0]
    monkeypatch.setattr(archive, "MAX_FILES", 1)
    assert "2 files; 1 are the limit" in refusals(zipped(("a.py", b""), ("b.py", b"")))[0]
    monkeypatch.setattr(archive, "MAX_PACKED", 10)
    assert "10 are the limit" in refusals(bomb)[0]


def test_a_size_that_lies_is_not_believed() -> None:
    data = bytearray(zipped(("flow.yaml", b"#" * 3_000_000)))
    directory = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 10)
    assert refusals(bytes(data))  # as too large, or as damaged


@pytest.mark.parametrize("cut", [1, 20, 60, -30, -1])
def test_damaged_archives_are_refused(cut: int) -> None:
    assert "damaged" in refusals(documents.to_archive(FLOW, "orders")[:cut])[0]


def test_any_flipped_byte_is_a_refusal_or_a_document() -> None:
    whole, chance = documents.to_archive(FLOW, "orders"), random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            documents.from_archive(bytes(data))
        except DocumentInvalid as refused:
            assert refused.problems


def test_one_flow_is_wanted() -> None:
    assert "There is no flow.yaml" in refusals(zipped(("readme.md", b"")))[0]
    two = zipped(("a.flow/flow.yaml", b"value: {modules: []}"), ("b.flow/flow.yaml", b"value: {modules: []}"))
    assert refusals(two) == ["There are 2 flows among the files: a.flow/flow.yaml, b.flow/flow.yaml."]


def test_missing_scripts_are_listed_with_their_places() -> None:
    files = [(name, text.encode()) for name, text in documents.to_folder(FLOW).items() if name == "flow.yaml"]
    assert refusals(zipped(*files)) == [
        "The file read_rows.inline_script.py is not there.",
        "The file read_rows.inline_script.lock is not there.",
    ]
