"""Who had a request for approval before them, for the audit trail."""

from __future__ import annotations

from flowapp.access.identity import Identity
from flowapp.store.seen import Look
from flowapp.store.stores import Store
from flowapp.workspace.approval_requests import Link, Request


def note_request_seen(store: Store, request: Request, identity: Identity | None, link: Link | None = None) -> None:
    """Note that somebody has seen it, whether or not they may answer it."""
    if identity is not None and identity.job:
        return
    by = identity.username if identity is not None else f"link:{link.approver if link else ''}"[:100]
    run = request.run
    about = f"run {run.number}, {request.step_id or 'flow'}{', by link' if link and identity else ''}"
    store.seen.note(Look(run.workspace, by, "run.view_request", run.path or run.id, about))
