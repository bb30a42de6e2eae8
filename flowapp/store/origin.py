"""Where the request that is being answered came from: the audit trail's "from where".

Whoever takes requests says it once, at the edge; it goes with the request into the threads that write. What the server does by
itself (a timer, a run that nobody's request carries) came from nowhere: "".
"""

from __future__ import annotations

from contextvars import ContextVar

ORIGIN: ContextVar[str] = ContextVar("origin", default="")
"""The client's address, as the server sees it."""
