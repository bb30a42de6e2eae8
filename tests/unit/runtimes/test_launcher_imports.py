"""What the launcher has loaded: each fork of a job pays for it, so what is dear is imported where it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

from flowapp.runtimes.guest import __main__ as guest_main

_DEAR = {"asyncio", "bz2", "lzma", "shutil", "sqlite3", "ssl", "subprocess", "tempfile", "urllib.request"}


_LOOK = """
import importlib, json, pathlib, runpy, sys
start = runpy.run_path(sys.argv[1])
guest = pathlib.Path(sys.argv[1]).parent
start["_shell_of"]("flowapp", guest.parent.parent)
start["_shell_of"]("flowapp.runtimes", guest.parent)
launcher = importlib.import_module("flowapp.runtimes.guest.launcher")
launcher.preload.load(launcher.preload.COMMON)
print(json.dumps(list(sys.modules)))
"""


def test_nothing_dear_is_loaded_in_the_launcher() -> None:
    command = [sys.executable, "-I", "-c", _LOOK, guest_main.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "flowapp.runtimes.guest.bash_cell" in loaded
    assert loaded & _DEAR == set()
