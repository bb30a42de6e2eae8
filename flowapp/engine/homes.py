"""Where the `./shared` of a run is: the folder is on one machine, and a run may go on at another.

Each script that sees such a folder is noted with the data folder of its server, the run's home. Who begins a run's next segment
has it begun there while a server with that data folder is alive (`places.py`). Where there is none any more, the scripts that
would find an empty folder fail and say so; nothing runs on files that are not there.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flowapp.engine.errors import error_value
from flowapp.engine.values import Done, StepInfo
from flowapp.jsontext import loads
from flowapp.store.executors import HOME
from flowapp.store.tables import JobRow

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

LOST = "SharedFolderLost"
_FILE = "home-name"
_HANDLER = "parent_module"
"""In the meta of the failure module: it is told of the lost folder, and runs without it."""


def name_of(folder: Path) -> str:
    """The name of a server's data folder among those of other machines; the same whenever a server is started on it."""
    file = folder / _FILE
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        name = f"@{socket.gethostname()}-{secrets.token_hex(4)}"
        file.write_text(f"{name}\n")
        return name


def abroad(rows: Iterable[JobRow], mine: str) -> dict[str, str]:
    """The homes of folders that are not here, by the path of a script that saw them. Steps of an earlier run saw its folder."""
    found: dict[str, str] = {}
    for row in rows:
        if mine and row.meta and f'"{HOME}"' in row.meta:
            meta = loads(row.meta)
            if "kept_from" not in meta and meta.get(HOME, mine) != mine:
                found[row.path] = str(meta[HOME])
    return found


def noted(interpreter: Interpreter, info: StepInfo) -> StepInfo:
    """A script with its home noted, where it sees a shared folder."""
    home = interpreter.started.home
    return info.noted(None, **{HOME: home}) if home and interpreter.value.get("same_worker") else info


def refused(interpreter: Interpreter, info: StepInfo) -> Done | None:
    """The failure of a script whose shared folder is on another machine; None where the folder is here, or new."""
    if not interpreter.value.get("same_worker") or _HANDLER in info.meta:
        return None
    prefix = interpreter.frame.prefix
    home = next((home for path, home in interpreter.started.abroad.items() if path.startswith(prefix)), None)
    if home is None:
        return None
    message = (
        f"The files in ./shared are on {home.removeprefix('@')}, where earlier steps ran, and no server is running there now. "
        "Start it and run the flow again, or keep what has to outlive a machine in stored files."
    )
    return Done(error_value(LOST, message, step_id=info.step_id), failed=True)
