"""Programs built of cells: kept up to a size, counted, and cleared but for those in use."""

from __future__ import annotations

import os
from pathlib import Path

from flowapp.runtimes.built import BuiltPrograms


def test_they_are_kept_counted_and_those_unused_for_longest_give_way(tmp_path: Path) -> None:
    made = BuiltPrograms(tmp_path / "go", most_bytes=250)
    assert made.describe() == {"programs": 0, "bytes": 0, "limit_bytes": 250}
    made.prepare()
    for age, key in ((30, "a"), (20, "b")):
        made.keep(key, b"x" * 100)
        os.utime(tmp_path / "go" / key, (1000 - age, 1000 - age))
    assert made.read("a") == b"x" * 100  # used now
    made.keep("c", b"x" * 100)
    assert [made.read(key) is not None for key in ("a", "b", "c")] == [True, False, True]
    assert made.describe() == {"programs": 2, "bytes": 200, "limit_bytes": 250}


def test_clearing_leaves_what_jobs_run_and_what_is_being_written(tmp_path: Path) -> None:
    made = BuiltPrograms(tmp_path)
    for key in ("a", "b", "c"):
        made.keep(key, b"x")
    running = made.hold("a", b"x")
    made.hold("b", b"x")
    (tmp_path / "d.half").write_bytes(b"x")
    made.clear(made.let_go())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "d.half"]
    assert made.describe()["programs"] == 1
    del running
    made.clear(made.let_go())
    assert made.describe()["programs"] == 0


def test_what_a_killed_server_left_half_written_is_removed_at_the_next_start(tmp_path: Path) -> None:
    for name, age in (("old.half", 4000), ("new.half", 0), ("whole", 4000)):
        (tmp_path / name).write_bytes(b"x")
        at = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (at, at))
    BuiltPrograms(tmp_path).prepare()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.half", "whole"]
