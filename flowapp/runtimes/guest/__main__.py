"""Start of the launcher: `python -I …/guest/__main__.py <control socket fd>`.

The parent packages are put in place as empty shells, so that importing the guest does not import the server's code
(asyncio, the database, the web server) into a process whose forks hold user code.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def _shell_of(name: str, folder: Path) -> None:
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    _shell_of("flowapp", here.parent.parent)
    _shell_of("flowapp.runtimes", here.parent)
    importlib.import_module("flowapp.runtimes.guest.launcher").main(int(sys.argv[1]))
