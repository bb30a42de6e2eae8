"""Deeds on flows, drafts, scripts, runs, stored things as jobs use them, accounts, settings, and by links."""

from __future__ import annotations

from flowapp.ui.state.folders import FoldersState
from flowapp.ui.state.home import HomeState
from flowapp.ui.state.resource_types import ResourceTypesState
from flowapp.ui.state.run_views import RunViewsState
from flowapp.ui.state.schedules import SchedulesState
from flowapp.ui.state.stored import VariablesState
from tests.integration.api.api_server import CHAIN
from tests.integration.api.rights import (
    ADMINS,
    ALL,
    DEVELOPERS,
    IN,
    LOOKERS,
    MEMBERS,
    READERS,
    SCHEDULE,
    WRITERS,
    Deed,
    W,
    only,
)

#: Who runs things: operators and above, whom the folder lets look.
_RUNNERS = only("otto", "dora", "wim", "rea", "ada", hidden=("cleo",))
#: A job ends with its person's membership, and its token with it.
_IN_JOBS = {**_RUNNERS, "olga": "sign in"}
#: Whom the draft of Dora is known to.
_DORAS = only("dora", "ada", hidden=("vic", "otto", "wim", "rea", "cleo"))
_ANYBODY = {"stranger": "sign in", "olga": "yes", **dict.fromkeys(ALL, "yes")}
_NOT_SUPER = {"stranger": "sign in", "olga": "no", **dict.fromkeys(ALL, "no"), "root": "yes"}
_WHOEVER_HAS_IT = dict.fromkeys(("stranger", "olga", *ALL), "yes")
_NOBODY = dict.fromkeys(("stranger", "olga", *ALL), "none")
_NEW_FLOW = {**CHAIN, "path": f"{IN}/new"}
_COMMENT = {"cell": "{cell}", "text": "Because."}

FLOWS: tuple[Deed, ...] = (
    Deed("see a flow", "flow.read", "GET", f"{W}/flows/get/{IN}/flow", READERS),
    Deed("see who uses a flow", "flow.read", "GET", f"{W}/usages/flow/{IN}/flow", READERS),
    Deed("deploy a flow", "flow.deploy", "POST", f"{W}/flows/create", WRITERS, _NEW_FLOW),
    Deed("deploy a version of a flow", "flow.deploy", "POST", f"{W}/flows/update/{IN}/flow", WRITERS, CHAIN),
    Deed("archive a flow", "flow.deploy", "POST", f"{W}/flows/archive/{IN}/flow", WRITERS, {"archived": True}),
    Deed(
        "delete a flow",
        "flow.deploy",
        "DELETE",
        f"{W}/flows/delete/{IN}/flow",
        WRITERS,
        page=(HomeState, "delete", ()),
        shown={"deleting": f"{IN}/flow", "deletes": "flow"},
    ),
    Deed("see a script", "script.read", "GET", f"{W}/scripts/get/p/{IN}/s", READERS),
    Deed("run a script", "script.run", "POST", f"{W}/jobs/run/p/{IN}/s", _RUNNERS),
    Deed("delete a script", "script.write", "POST", f"{W}/scripts/delete/p/{IN}/s", WRITERS),
)

DRAFTS: tuple[Deed, ...] = (
    Deed("begin a draft", "draft.create", "POST", f"{W}/drafts", DEVELOPERS, page=(HomeState, "new_blank", ())),
    Deed("see a draft", "draft.read", "GET", f"{W}/drafts/{{draft}}/notebook", _DORAS, needs=("draft",)),
    Deed(
        "edit a draft",
        "draft.edit",
        "POST",
        f"{W}/drafts/{{draft}}/operations",
        _DORAS,
        {"client": "page", "ops": [{"op": "set_sample", "name": "n", "value": 1}]},
        needs=("draft",),
    ),
    Deed(
        "run cells of a draft",
        "draft.run",
        "POST",
        f"{W}/drafts/{{draft}}/run",
        _DORAS,
        {"client": "page", "cells": ["{cell}"]},
        needs=("draft",),
    ),
    Deed("delete a draft", "draft.delete", "DELETE", f"{W}/drafts/{{draft}}", _DORAS, needs=("draft",)),
    Deed(
        "comment a draft",
        "draft.comment",
        "POST",
        f"{W}/drafts/{{draft}}/comments",
        _DORAS,
        _COMMENT,
        needs=("draft",),
    ),
    Deed(
        "comment a step of a deployed flow",
        "flow.comment",
        "POST",
        f"{W}/drafts/{{draft}}/comments",
        _DORAS,
        _COMMENT,
        needs=("flow draft",),
    ),
    Deed(
        "change the words of a comment",
        "comment.edit",
        "POST",
        f"{W}/drafts/{{draft}}/comments/{{comment}}",
        {**_DORAS, "ada": "no"},
        {"text": "Other words"},
        needs=("draft",),
    ),
    Deed(
        "delete a comment",
        "comment.delete",
        "DELETE",
        f"{W}/drafts/{{draft}}/comments/{{comment}}",
        _DORAS,
        needs=("draft",),
    ),
    Deed("see a state of a draft", "draft.read", "GET", f"{W}/drafts/{{draft}}/state", _DORAS, needs=("draft",)),
)

RUNS: tuple[Deed, ...] = (
    Deed("see a run", "run.read", "GET", f"{W}/runs/{{run}}", READERS),
    Deed("see the result of a run", "run.read", "GET", f"{W}/jobs_u/completed/get_result/{{run}}", READERS),
    Deed("see the log of a run", "run.read", "GET", f"{W}/jobs_u/get_logs/{{run}}", READERS),
    Deed(
        "cancel a run of somebody else",
        "run.cancel",
        "POST",
        f"{W}/jobs_u/queue/cancel/{{live}}",
        LOOKERS,
        needs=("live run",),
    ),
    Deed(
        "cancel a run that one started",
        "run.cancel",
        "POST",
        f"{W}/jobs_u/queue/cancel/{{live}}",
        {**LOOKERS, "otto": "yes"},
        needs=("own live run",),
    ),
    # what is kept was computed with the rights of who started it
    Deed(
        "begin a run of somebody else again",
        "flow.run",
        "POST",
        f"{W}/jobs/restart/f/{{run}}",
        only("ada", hidden=("cleo",)),
        {"step_id": "b"},
    ),
    Deed(
        "begin a run that one started again",
        "flow.run",
        "POST",
        f"{W}/jobs/restart/f/{{own}}",
        only("otto", "ada", hidden=("cleo",)),
        {"step_id": "b"},
        needs=("own run",),
    ),
    Deed("delete the data of a run", "member.manage", "POST", f"{W}/jobs/completed/delete/{{run}}", ADMINS),
    Deed(
        "approve a run",
        "run.approve",
        "POST",
        f"{W}/jobs_u/flow/resume_suspended/{{waiting_job}}",
        _RUNNERS,
        {"approved": True},
        needs=("wait",),
    ),
    Deed(
        "say how far a run is",
        "state.write",
        "POST",
        f"{W}/job_metrics/set_progress/{{live}}",
        only("otto", "dora", "wim", "ada", hidden=("cleo",)),
        {"percent": 50},
        needs=("live run",),
    ),
    Deed(
        "keep a step of a workflow that runs",
        "run.read",
        "POST",
        f"{W}/jobs/wac/inline_checkpoint/{{live}}",
        only(hidden=("cleo",)),  # nobody but the job itself
        {"key": "one", "result": 1},
        needs=("live run",),
    ),
    Deed(
        "start a function of a run's code",
        "run.read",
        "POST",
        f"{W}/jobs/run/workflow_as_code/{{live}}/main",
        only(hidden=("cleo",)),
        {"args": {}},
        needs=("live run",),
    ),
    Deed(
        "hand out the links of a workflow's approval",
        "run.read",
        "GET",
        f"{W}/jobs/wac_approval_urls/{{live}}/boss",
        _RUNNERS,
        needs=("live workflow",),
    ),
    Deed("see a view of the runs", "run_view.read", "GET", f"{W}/run_views/{{view}}", MEMBERS, needs=("view",)),
    Deed(
        "change a view of the runs",
        "run_view.edit",
        "POST",
        f"{W}/run_views/{{view}}",
        only("dora", "ada"),
        {"name": "x{n}"},
        (RunViewsState, "save", ({"name": "y{n}", "shared": "true"},)),
        {"original": "{view}"},
        needs=("view",),
    ),
    Deed(
        "delete a view of the runs",
        "run_view.delete",
        "DELETE",
        f"{W}/run_views/{{view}}",
        only("dora", "ada"),
        page=(RunViewsState, "delete", ()),
        shown={"deleting": "{view}"},
        needs=("view",),
    ),
)

NOUNS: tuple[Deed, ...] = (
    Deed(
        "make a variable",
        "variable.write",
        "POST",
        f"{W}/variables/create",
        WRITERS,
        {"path": f"{IN}/new", "value": "1", "is_secret": True},
        (VariablesState, "save", ({"path": f"{IN}/new", "value": "2"},)),
    ),
    Deed(
        "move a variable",
        "variable.write",
        "POST",
        f"{W}/variables/update/{IN}/v",
        WRITERS,
        {"path": f"{IN}/moved"},
    ),
    Deed("see who uses a variable", "variable.read", "GET", f"{W}/usages/variable/{IN}/v", LOOKERS),
    Deed("use a variable in a job", "variable.use", "GET", f"{W}/variables/get_value/{IN}/v", _IN_JOBS, by_job=True),
    Deed(
        "make a resource",
        "resource.write",
        "POST",
        f"{W}/resources/create",
        WRITERS,
        {"path": f"{IN}/new", "value": {}, "resource_type": "any"},
    ),
    Deed("change a resource", "resource.write", "POST", f"{W}/resources/update/{IN}/r", WRITERS, {"value": {"a": 1}}),
    Deed("see who uses a resource", "resource.read", "GET", f"{W}/usages/resource/{IN}/r", LOOKERS),
    Deed("use a resource in a job", "resource.use", "GET", f"{W}/resources/get_value/{IN}/r", _IN_JOBS, by_job=True),
    Deed(
        "see a type of resources",
        "resource_type.read",
        "GET",
        f"{W}/resources/type/get/y{{n}}",
        MEMBERS,
        page=(ResourceTypesState, "edit", ("y{n}",)),
        needs=("type",),
    ),
    Deed(
        "see who uses a type of resources",
        "resource_type.read",
        "GET",
        f"{W}/usages/resource_type/y{{n}}",
        MEMBERS,
        needs=("type",),
    ),
    Deed(
        "make a type of resources",
        "resource_type.write",
        "POST",
        f"{W}/resources/type/create",
        DEVELOPERS,
        {"name": "z{n}", "schema": {}},
        (ResourceTypesState, "save", ({"path": "z{n}", "value": "{}"},)),
    ),
    Deed(
        "change a type of resources",
        "resource_type.write",
        "POST",
        f"{W}/resources/type/update/y{{n}}",
        DEVELOPERS,
        {"description": "x"},
        (ResourceTypesState, "save", ({"description": "x", "value": "null"},)),
        {"original": "y{n}"},
        needs=("type",),
    ),
    Deed(
        "delete a type of resources",
        "resource_type.write",
        "DELETE",
        f"{W}/resources/type/delete/y{{n}}",
        DEVELOPERS,
        page=(ResourceTypesState, "delete", ()),
        shown={"deleting": "y{n}"},
        needs=("type",),
    ),
    Deed(
        "see a stored file",
        "object.read",
        "GET",
        f"{W}/job_helpers/download_s3_file?file_key={IN}/file.txt",
        READERS,
        needs=("file",),
    ),
    Deed(
        "delete a stored file",
        "object.write",
        "DELETE",
        f"{W}/job_helpers/delete_s3_file?file_key={IN}/file.txt",
        only("otto", "dora", "wim", "ada", hidden=("cleo",)),
        needs=("file",),
    ),
    Deed(
        "see a schedule",
        "schedule.read",
        "GET",
        f"{W}/schedules/get/{IN}/c",
        READERS,
        page=(SchedulesState, "edit", (f"{IN}/c",)),
        needs=("schedule",),
    ),
    Deed(
        "change a schedule",
        "schedule.write",
        "POST",
        f"{W}/schedules/update/{IN}/c",
        WRITERS,
        SCHEDULE,
        needs=("schedule",),
    ),
    Deed(
        "turn a schedule off",
        "schedule.write",
        "POST",
        f"{W}/schedules/setenabled/{IN}/c",
        WRITERS,
        {"enabled": False},
        (SchedulesState, "switch", (f"{IN}/c", False)),
        needs=("schedule",),
    ),
    Deed(
        "delete a schedule",
        "schedule.write",
        "DELETE",
        f"{W}/schedules/delete/{IN}/c",
        WRITERS,
        page=(SchedulesState, "delete", ()),
        shown={"deleting": f"{IN}/c"},
        needs=("schedule",),
    ),
)

PEOPLE: tuple[Deed, ...] = (
    Deed(
        "make a folder",
        "folder.create",
        "POST",
        f"{W}/folders/create",
        DEVELOPERS,
        {"name": "made{n}"},
        (FoldersState, "save", ({"name": "by_page{n}", "title": "", "summary": ""},)),
    ),
    Deed("see a group", "group.read", "GET", f"{W}/groups/get/g{{n}}", MEMBERS),
    Deed("add somebody to a group", "group.manage", "POST", f"{W}/groups/adduser/g{{n}}", ADMINS, {"username": "vic"}),
    Deed("see the members", "member.read", "GET", f"{W}/users/list", MEMBERS),
    Deed("know of the workspace", "workspace.read", "GET", f"{W}/variables/list_contextual", MEMBERS),
    Deed("see one's account", "account.read", "GET", "/api/users/whoami", _ANYBODY),
    Deed("see one's tokens", "account.manage", "GET", "/api/users/tokens/list", _ANYBODY),
    Deed(
        "make a token",
        "account.manage",
        "POST",
        "/api/users/tokens/create",
        _ANYBODY,
        {"label": "x"},
    ),
    Deed(
        "make an account", "instance.manage", "POST", "/api/users/create", _NOT_SUPER, {"email": "new{n}@example.org"}
    ),
    Deed("see all accounts", "instance.manage", "GET", "/api/users/list_as_super_admin", _NOT_SUPER),
    Deed("see how long runs are kept", "workspace.manage", "GET", f"{W}/workspaces/get_retention", ADMINS),
    Deed(
        "change how long runs are kept",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_retention",
        ADMINS,
        {"retention_days": 30},
    ),
    Deed(
        "change who is told of approvals",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_approval_messages",
        ADMINS,
        {"messages": []},
    ),
    Deed(
        "change where files are kept",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_large_file_storage_config",
        ADMINS,
        {"large_file_storage": None},
    ),
)

LINKS: tuple[Deed, ...] = (
    Deed("open a shared run", "run.read", "GET", "/shared/{token}", _WHOEVER_HAS_IT),
    Deed("open a shared flow", "flow.read", "GET", "/shared/{flow_token}", _WHOEVER_HAS_IT),
    Deed("open a link with another end", "run.read", "GET", "/shared/{token}x", _NOBODY),
)
