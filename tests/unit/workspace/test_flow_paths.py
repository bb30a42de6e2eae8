"""Paths of flows, pins at deploy, and reading documents."""

from __future__ import annotations

import pytest

from flowapp.workspace import flow_paths
from flowapp.workspace.errors import DocumentRejected, PathInvalid, UploadNotText
from flowapp.workspace.flows import deployable
from flowapp.workspace.inputs import decode, schema_of
from flowapp.workspace.new_drafts import read_document
from flowapp.workspace.run_views import duration_ms


class TestPaths:
    @pytest.mark.parametrize("path", ["u/admin/x", "f/team/a/b-c.d", " f/a/b "])
    def test_good(self, path: str) -> None:
        assert flow_paths.checked(path) == path.strip()

    @pytest.mark.parametrize(
        "path", ["", "x", "g/a/b", "u/a", "u/../b", "f/a//b", "f/a/b/", "f/a/ä", "f/" + "a" * 300 + "/b"]
    )
    def test_bad(self, path: str) -> None:
        with pytest.raises(PathInvalid):
            flow_paths.checked(path)

    def test_suggestions_are_free_and_plain(self) -> None:
        assert flow_paths.suggested("ada", "Über: Größe!", set()) == "u/ada/uber_groe"
        assert flow_paths.suggested("ada", "", {"u/ada/untitled"}) == "u/ada/untitled_2"


class TestDeployable:
    def test_pins_are_left_out_at_every_depth_and_the_draft_keeps_them(self) -> None:
        inner = {"id": "b", "value": {"type": "identity"}, "mock": {"enabled": True, "return_value": 1}}
        loop = {"type": "forloopflow", "iterator": {"type": "static", "value": []}, "modules": [inner]}
        flow = {"summary": "", "value": {"modules": [{"id": "a", "value": loop}]}}
        made, left_out = deployable(flow)
        assert "mock" in inner and left_out == ["the pinned value of b"]
        assert "mock" not in made["value"]["modules"][0]["value"]["modules"][0]


class TestDocuments:
    def test_an_empty_text_is_an_empty_flow(self) -> None:
        assert read_document(None, "  ").flow["value"] == {"modules": []}

    @pytest.mark.parametrize("text", ["[1]", "a: [", "summary: x", "value: {modules: 5}", "\x00"])
    def test_what_is_no_document_has_problems(self, text: str) -> None:
        with pytest.raises(DocumentRejected) as refused:
            read_document(None, text)
        assert refused.value.problems and refused.value.message


class TestUploads:
    def test_utf_16_with_a_mark_is_read(self) -> None:
        assert decode("ä;1".encode("utf-16"), "x.csv") == "ä;1"

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04\x00\x00", b"\xe4"])
    def test_what_is_no_text_is_refused(self, content: bytes) -> None:
        with pytest.raises(UploadNotText):
            decode(content, "x")

    def test_a_schema_keeps_the_order_of_keys(self) -> None:
        assert schema_of({"b": 1, "a": "x"})["order"] == ["b", "a"]


def test_durations() -> None:
    assert duration_ms("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.500000Z") == 1500
    assert duration_ms(None, "2026-01-01T00:00:00Z") is None
