"""The data folder: one server process at a time uses it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from flowapp.store.errors import HomeInUse


def lock_home(home: Path) -> TextIO:
    """Take the data folder for this process; the operating system gives it back whatever way the process ends.

    Raises:
        HomeInUse: another server has it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = open(home / "flowapp.lock", "a+", encoding="ascii")  # noqa: SIM115 - held open while the server lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        other = file.read().strip()
        file.close()
        raise HomeInUse(
            f"Another Flowapp server{f' (process {other})' if other else ''} is using the data folder {home}",
            "Stop it, or give this one another folder with FLOWAPP_HOME.",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
