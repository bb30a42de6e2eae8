"""Telling a thread that looks for work now and then to look at once."""

from __future__ import annotations

import threading
import time


class Bell:
    """Stands in for the `threading.Event` that stops a polling thread, and can also be rung: then it polls before its time.

    However often it is rung, it polls no more often than every `spacing_s` seconds.
    """

    def __init__(self, spacing_s: float) -> None:
        self._spacing = spacing_s
        self._changed = threading.Condition()
        self._stopped = False
        self._rung = False
        self._next = 0.0

    def ring(self) -> None:
        """There is work."""
        with self._changed:
            self._rung = True
            self._changed.notify_all()

    def set(self) -> None:
        """Stop polling."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def is_set(self) -> bool:
        """Whether polling is to stop."""
        return self._stopped

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is time to poll (rung, or `timeout` seconds over) or to stop; True for stopping."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._rung, timeout)
            self._changed.wait_for(lambda: self._stopped, max(self._next - time.monotonic(), 0))
            self._rung = False
            self._next = time.monotonic() + self._spacing
            return self._stopped
