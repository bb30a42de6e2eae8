"""What is left of a fetch of Go is removed; one that is under way in another server is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flowapp.runtimes.go_toolchain import remove_half_fetched

HOLDS = (
    "import sys, pathlib\nfrom flowapp.runtimes import go_library\n"
    "with go_library.held(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


def made(folder: Path, name: str, *, old: bool) -> Path:
    """A folder with something in it."""
    place = folder / name
    (place / "unpacked").mkdir(parents=True)
    if old:
        os.utime(place, (1, 1))
    return place


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    left, held, young = (made(tmp_path, f"fetch-{name}", old=name != "young") for name in ("left", "held", "young"))
    command = [sys.executable, "-c", HOLDS, str(held)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        remove_half_fetched(tmp_path)
        assert [place.exists() for place in (left, held, young)] == [False, True, True]
        other.kill()
    remove_half_fetched(tmp_path)
    assert not held.exists()
