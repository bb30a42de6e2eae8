"""The FastAPI application over a workspace."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from flowapp.api import (
    accounts,
    acls,
    approval_chats,
    approval_links,
    approval_pages,
    approvals,
    assistant,
    audit,
    chats,
    code_help,
    code_workflows,
    comments,
    dependencies,
    drafts,
    events,
    exports,
    flows,
    hub,
    instance_groups,
    job_lists,
    jobs,
    jobs_u,
    joining,
    objects,
    openapi_routes,
    packages,
    people,
    presence,
    resources,
    retention,
    run_streams,
    run_views,
    runs,
    schedules,
    scripts,
    session,
    sharing,
    single_sign_on,
    stored_flows,
    system,
    usages,
    variables,
)
from flowapp.api.answers import install_error_handlers
from flowapp.workspace.app import Workspace

ROUTERS = (
    system,
    session,
    single_sign_on,
    joining,
    drafts,
    comments,
    presence,
    stored_flows,
    flows,
    runs,
    sharing,
    approval_chats,
    approval_links,
    approval_pages,
    approvals,
    code_workflows,
    schedules,
    hub,
    jobs,
    jobs_u,
    job_lists,
    events,
    scripts,
    dependencies,
    variables,
    resources,
    usages,
    run_streams,
    run_views,
    people,
    instance_groups,
    objects,
    retention,
    accounts,
    packages,
    exports,
    acls,
    assistant,
    audit,
    chats,
    code_help,
    openapi_routes,
)


def create_api(workspace: Workspace) -> FastAPI:
    """All routes (`/api/…`, `/signin`, `/signout`), bound to this workspace. No documentation pages: they load from a CDN."""
    app = FastAPI(title="Flowapp", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.workspace = workspace
    # not include_router, which analyses every route a second time for this app: at the first request, and in memory for good
    app.router.routes.extend(route for module in ROUTERS for route in module.router.routes)
    install_error_handlers(app)
    return app


def openapi() -> dict[str, Any]:
    """The OpenAPI document of all routes."""
    from flowapp.api.openapi.document import document

    return document(module.router for module in ROUTERS)
