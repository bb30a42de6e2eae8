"""Why scripts cannot be run at all. An error *of* a script is data (`Outcome.error`) and never raised.

RuntimesError
├── IsolationTooLow       runtimes.isolation_too_low    the server must not start
├── RuntimeUnavailable    runtimes.unavailable          the launcher cannot be started on this host
├── SandboxFailed         runtimes.sandbox_failed       one sandbox could not be made; tried again once
├── EditingUnavailable    runtimes.editing              no help for people who write code now; all else works
├── ResultRefused         runtimes.result_refused       whoever takes a large result does not want this one: an error of the step
└── RuntimesClosed        runtimes.closed               the server is stopping
"""

from __future__ import annotations

from flowapp.errors import FlowappError


class RuntimesError(FlowappError):
    """Base of this room's errors."""

    code = "runtimes.error"
    status = 503


class IsolationTooLow(RuntimesError):
    """This host cannot keep user code as far away as the configuration demands."""

    code = "runtimes.isolation_too_low"


class RuntimeUnavailable(RuntimesError):
    """The process that starts scripts does not start or does not answer."""

    code = "runtimes.unavailable"


class SandboxFailed(RuntimesError):
    """A single sandbox could not be made."""

    code = "runtimes.sandbox_failed"


class RuntimesClosed(RuntimesError):
    """The server is stopping and takes no more jobs."""

    code = "runtimes.closed"


class ResultRefused(RuntimesError):
    """The result of a step is not one that can be kept; the message becomes the step's error."""

    code = "runtimes.result_refused"
    status = 400


class EditingUnavailable(RuntimesError):
    """There is no completion, check or formatting now; code can be written and run all the same."""

    code = "runtimes.editing"
