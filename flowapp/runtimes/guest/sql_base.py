"""What SQL cells of all databases have in common: the connection that each driver is made into, rows, and errors."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: the job's channel in its process: see `agent`
_CHANNEL = 3


class SqlError(Exception):
    """The error of a cell as data; `line` counts in the statement, from 1."""

    def __init__(self, name: str, message: str, line: int | None = None, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.line = line
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement answers: names of columns (none for a statement without rows) and rows as they come."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    note: str = ""
    """For the log, such as "3 rows changed"."""
    described: Callable[[], Sequence[str]] | None = None
    """Asks for the columns, where a statement that has no rows does not tell them."""


class Connection(Protocol):
    """An open connection to one database."""

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """Run one statement. `types` are those that the script declares, empty where it does not.

        Raises:
            Exception: one that `problem` can describe.
        """

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """What to say of an error of the driver; None when it is none of its errors."""


class Session(Connection, Protocol):
    """A connection that may serve one job after the other, all of the same person."""

    def begin(self, timeout_s: float, read_only: bool) -> None:
        """Get ready for a job.

        Raises:
            Exception: the connection is lost.
        """

    def reset(self) -> None:
        """Leave nothing of the last job behind: no transaction, no setting, no temporary table, no lock.

        Raises:
            Exception: that is not possible, and the connection must not be used again.
        """


_end: list[Callable[[], object]] = []
"""What to do when the server hangs up."""


def when_stopped(end: Callable[[], object]) -> None:
    """Call `end` when the server hangs up, which it does a moment before it kills the process; the process ends then.

    For what goes on outside of the process: a query that the database's server works on. Called again, the last `end` counts.
    """

    def wait() -> None:
        poll = select.poll()
        poll.register(_CHANNEL, 0)  # that it hangs up is told in any case
        poll.poll()
        try:
            _end[-1]()
        finally:
            os._exit(0)

    _end.append(end)
    if len(_end) == 1:
        threading.Thread(target=wait, daemon=True).start()
    else:
        del _end[0]
