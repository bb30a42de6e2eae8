"""The pages. Importing this package registers them with Reflex; each module is one page and so one chunk of the build."""

from __future__ import annotations

from flowapp.ui.pages import (
    account,
    approvals,
    audit,
    folders,
    groups,
    home,
    hub,
    members,
    missing,
    more,
    notebook,
    resource_types,
    run,
    run_form,
    runs,
    runtimes,
    schedules,
    scripts,
    settings,
    stored,
)

__all__ = [
    "account",
    "approvals",
    "audit",
    "folders",
    "groups",
    "home",
    "hub",
    "members",
    "missing",
    "more",
    "notebook",
    "resource_types",
    "run",
    "run_form",
    "runs",
    "runtimes",
    "schedules",
    "scripts",
    "settings",
    "stored",
]
