"""What the launcher knows of the sandboxes that it makes and that exist."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from flowapp.runtimes.guest import spaces, zygotes


@dataclass(slots=True)
class Job:
    """A sandbox that exists. `slot` gives its user id and its folder; `status` is how its process ended.

    `first` is the descriptor of the first process of its namespace, where it has one.
    """

    id: int
    slot: int
    pid: int
    first: int | None
    reaped: bool = False
    status: int = 0


@dataclass(slots=True)
class Ends:
    """What a job and the server talk over: both ends of its channel and of its log."""

    server: socket.socket
    job: socket.socket
    log_read: int
    log_write: int

    @classmethod
    def make(cls) -> Ends:
        """A new pair of each."""
        return cls(*socket.socketpair(), *os.pipe2(os.O_CLOEXEC))

    def close_job(self) -> None:
        """The job has its ends."""
        self.job.close()
        os.close(self.log_write)

    def close_server(self) -> None:
        """The server has its ends."""
        self.server.close()
        os.close(self.log_read)


@dataclass(frozen=True, slots=True)
class Asked:
    """A sandbox that a zygote has been asked for."""

    start: zygotes.Start
    slot: int
    ends: Ends
    space: spaces.Space | None

    def close(self) -> None:
        """Let go of the descriptors."""
        self.ends.close_server()
        if self.space is not None:
            self.space.close()
