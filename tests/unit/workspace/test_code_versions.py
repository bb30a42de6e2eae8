"""When a page's editor takes over text from the server, and when a write is a conflict."""

from __future__ import annotations

from flowapp.workspace.codes import CodeVersions


class TestCodeVersions:
    def test_writing_alone_is_never_a_conflict_and_never_news(self) -> None:
        codes = CodeVersions()
        seen = codes.seen_by("c", "me")
        for _ in range(3):
            assert not codes.conflicts("c", "me", seen)
            codes.written("c", "me", seen)
            assert codes.seen_by("c", "me") == seen
        assert codes.seen_by("c", "you") > seen

    def test_a_write_on_an_old_version_is_a_conflict(self) -> None:
        codes = CodeVersions()
        seen = codes.seen_by("c", None)
        codes.written("c", "me", seen)
        assert codes.conflicts("c", "you", seen)
        assert not codes.conflicts("c", "you", codes.seen_by("c", "you"))

    def test_taking_turns_is_no_conflict(self) -> None:
        codes = CodeVersions()
        codes.written("c", "me", codes.seen_by("c", "me"))
        codes.written("c", "you", codes.seen_by("c", "you"))
        assert codes.conflicts("c", "me", codes._first)
        codes.written("c", "me", codes.seen_by("c", "me"))
        assert not codes.conflicts("c", "me", codes.seen_by("c", "me"))

    def test_undo_is_news_for_the_writer_too(self) -> None:
        codes = CodeVersions()
        seen = codes.seen_by("c", "me")
        codes.written("c", "me", seen)
        codes.replaced("c")
        assert codes.seen_by("c", "me") > seen

    def test_after_a_restart_the_first_writer_is_believed(self) -> None:
        assert not CodeVersions().conflicts("c", "me", 12345)
        assert CodeVersions(_first=2).seen_by("c", "me") == 2
