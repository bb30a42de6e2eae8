"""A thread that polls seldom looks at once when it is told that there is work, and not more often than it should."""

from __future__ import annotations

import threading
import time

from flowapp.engine.bell import Bell


def test_a_ring_ends_the_wait() -> None:
    bell = Bell(0)
    threading.Timer(0.02, bell.ring).start()
    assert not bell.wait(600)


def test_a_ring_before_the_wait_counts_once() -> None:
    bell = Bell(0)
    bell.ring()
    bell.ring()
    assert not bell.wait(600)
    begun = time.monotonic()
    assert not bell.wait(0.05)
    assert time.monotonic() - begun >= 0.05


def test_rings_in_a_row_are_spaced() -> None:
    bell = Bell(0.1)
    bell.ring()
    begun = time.monotonic()
    bell.wait(600)
    bell.ring()
    bell.wait(600)
    assert time.monotonic() - begun >= 0.09


def test_without_a_ring_it_waits_its_time() -> None:
    bell = Bell(0)
    begun = time.monotonic()
    assert not bell.wait(0.05)
    assert time.monotonic() - begun >= 0.05


def test_stopping_ends_any_wait() -> None:
    bell = Bell(30)
    bell.ring()
    bell.wait(600)
    bell.ring()
    threading.Timer(0.02, bell.set).start()
    assert bell.wait(600)
    assert bell.is_set()
