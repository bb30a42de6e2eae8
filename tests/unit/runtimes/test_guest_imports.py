"""What every process of a job has in memory from the start: each module more makes all of their forks slower."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOADED = """
import sys, types
for name, folder in (("flowapp", "flowapp"), ("flowapp.runtimes", "flowapp/runtimes")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{sys.argv[1]}/{folder}"]
import flowapp.runtimes.guest.launcher
print(*sys.modules)
"""


def test_the_launcher_holds_little() -> None:
    command = [sys.executable, "-I", "-c", LOADED, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "flowapp.runtimes.guest.python_cell" in loaded
    assert not loaded & {"subprocess", "asyncio", "orjson", "jedi", "importlib.metadata", "urllib.request"}
