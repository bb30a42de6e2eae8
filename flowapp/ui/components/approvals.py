"""Requests for approval in the shell: the number in the navigation, and the inbox. Both follow what happens by themselves."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import OUTPUT_LIBRARIES, LocalComponent


class ApprovalCount(LocalComponent):
    """How many requests wait for whoever looks; nothing for none."""

    library = "$/public/js/shell/approval_count.jsx"
    tag = "ApprovalCount"
    ws: rx.Var[str]


class Inbox(LocalComponent):
    """What waits for whoever looks, and what they have answered."""

    library = "$/public/js/approvals/inbox.jsx"
    tag = "Inbox"
    lib_dependencies: list[str] = OUTPUT_LIBRARIES
    ws: rx.Var[str]


approval_count = ApprovalCount.create
inbox = Inbox.create
