"""Built programs in memory, as jobs run them: a descriptor is handed over instead of a copy of some megabytes.

The memory is sealed, so no job changes what the next one runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from collections import OrderedDict

_MOST_BYTES = 24 << 20
#: Linux 6.3 and later: asks for memory that may be executed, and keeps it so. Earlier ones do not know either.
_MFD_EXEC, _F_SEAL_EXEC = 0x10, 0x20
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Executable:
    """A program in memory. Its descriptor is open for as long as somebody holds this.

    Where the host's administrator forbids that memory is executed, jobs make a file of it (`guest/program_cell.py`).
    """

    def __init__(self, content: bytes) -> None:
        self.descriptor = _memory()
        weakref.finalize(self, os.close, self.descriptor)
        self.size = len(content)
        view = memoryview(content)
        while view:
            view = view[os.write(self.descriptor, view) :]
        with contextlib.suppress(OSError):
            os.fchmod(self.descriptor, 0o555)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _F_SEAL_EXEC)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)


class Executables:
    """The programs that ran last, by key, up to 24 MB of them."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, Executable] = OrderedDict()
        self._alive: weakref.WeakValueDictionary[str, Executable] = weakref.WeakValueDictionary()

    def get(self, key: str) -> Executable | None:
        """The program of a key, if it is held."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: str, content: bytes) -> Executable:
        """Hold a program, instead of those unused for longest."""
        made = self._held[key] = self._alive[key] = Executable(content)
        self._held.move_to_end(key)
        while len(self._held) > 1 and sum(one.size for one in self._held.values()) > self._most_bytes:
            self._held.popitem(last=False)
        return made

    def clear(self) -> frozenset[str]:
        """Let go of all; answers the keys of those that somebody else still holds."""
        self._held.clear()
        return frozenset(self._alive)


def _memory() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    with contextlib.suppress(OSError):
        return os.memfd_create("program", flags | _MFD_EXEC)
    return os.memfd_create("program", flags)
