"""Printed texts on their way to other servers: joined where they follow each other, cut where they are too long."""

from __future__ import annotations

from flowapp.store.events import Event
from flowapp.store.relay import LOG_PIECE, together


def piece(kind: str, text: str, offset: int, path: str = "a") -> Event:
    return Event("run:r", kind, {"path": path, "text": text, "offset": offset})


def test_a_log_and_a_stream_of_one_step_do_not_mix() -> None:
    events = [piece("log", "ab", 0), piece("stream", "xy", 0), piece("log", "c", 2), piece("stream", "z", 2)]
    assert together(events) == [piece("log", "abc", 0), piece("stream", "xyz", 0)]


def test_what_other_events_part_stays_parted() -> None:
    step = Event("run:r", "step", {})
    assert together([piece("stream", "x", 0), step, piece("stream", "y", 1)]) == [
        piece("stream", "x", 0),
        step,
        piece("stream", "y", 1),
    ]


def test_a_long_piece_is_cut_into_messages() -> None:
    found = together([piece("stream", "x" * (LOG_PIECE + 5), 10)])
    assert [(event.type, event.data["offset"], len(event.data["text"])) for event in found] == [
        ("stream", 10, LOG_PIECE),
        ("stream", 10 + LOG_PIECE, 5),
    ]
