"""Addresses of our own pages: notebooks, flows, runs and outputs, approvals, events, the server itself."""

from __future__ import annotations

from flowapp.api.openapi.operations import FORM, Body, Operation, json_body, op
from flowapp.api.openapi.schemas import ANY, OBJECT, STRING, object_of, ref

_D = "/api/w/{ws}/drafts"
_R = "/api/w/{ws}/runs"
_FLOW_LINKS = "/api/w/{ws}/flows/links/{path}"
_LINK = "days: integer, note: string"
_EDIT = (409, 422)
_NEW_DRAFT = Body(
    {
        "application/json": {
            "type": "object",
            "properties": {
                **object_of("path: string, summary: string, template: string, text: string")["properties"],
                "flow": ref("OpenFlow"),
            },
        },
        "application/zip": {"type": "string", "format": "binary"},
    }
)
_MODEL = "enabled: boolean, base_url: string, key: string, models: object, message_tokens: integer"
_VIEW = (
    "status: string, path: string, created_by: string, trigger: string, since: string, until: string, shared: boolean"
)
_ANYTHING = Body({"*/*": {"type": "string", "format": "binary"}})
_SIGNED = "/api/w/{ws}/jobs_u/%s/{job_id}/{resume_id}/{signature}"
_PAGE = "/approve/{ws}/{job_id}/{resume_id}/{signature}"
_ASKED_PAGE = "/approve/{ws}/{job_id}"
_PAYLOAD = {"payload": {**STRING, "description": "base64 of the JSON payload, where there is no body"}}

SERVER: dict[str, Operation] = {
    "GET /api/version": op("text", public=True),
    "GET /api/uptodate": op("text", public=True),
    "GET /api/health": op(public=True),
    "GET /api/openapi.json": op(public=True),
    "GET /api/openapi.yaml": op("document", public=True),
    "GET /api/packages": op(),
    "POST /api/packages/clear": op(),
    "GET /signin": op("html", others={303: ("redirect",)}, also=(401, 429), public=True),
    "POST /signin": op(
        "redirect",
        303,
        body=Body({FORM: object_of("email: string, password: string, token: string, next: string")}),
        also=(401, 403, 413, 429),
        public=True,
    ),
    "POST /signout": op("redirect", 303, public=True, also=(403,)),
    "GET /api/w/{ws}/events": op("events"),
}

NOTEBOOKS: dict[str, Operation] = {
    f"POST {_D}": op(status=201, body=_NEW_DRAFT, also=_EDIT),
    f"DELETE {_D}/{{draft_id}}": op(),
    f"GET {_D}/{{draft_id}}/notebook": op(),
    f"POST {_D}/{{draft_id}}/operations": op(body="client: string, ops: objects", also=_EDIT),
    f"POST {_D}/{{draft_id}}/undo": op(body="client: string", also=(409,)),
    f"POST {_D}/{{draft_id}}/redo": op(body="client: string", also=(409,)),
    f"GET {_D}/{{draft_id}}/bin": op("list"),
    f"POST {_D}/{{draft_id}}/bin": op(body="client: string, cell!: string", also=_EDIT),
    f"POST {_D}/{{draft_id}}/run": op(
        body="client: string, cells: strings, mode: string, ops: objects, confirmed: strings, iteration: index",
        also=_EDIT,
    ),
    f"POST {_D}/{{draft_id}}/cancel": op(),
    f"GET {_D}/{{draft_id}}/results": op("list"),
    f"POST {_D}/{{draft_id}}/stand_ins": op(
        body="client: string, cell!: string, name!: string, run_id!: string, path: string, use: boolean", also=(409,)
    ),
    f"POST {_D}/{{draft_id}}/forget": op(body="client: string, cells: strings"),
    f"POST {_D}/{{draft_id}}/preview": op(body="cell: string, field: string, expr: string", also=(409,)),
    f"GET {_D}/{{draft_id}}/picker": op(also=(409,)),
    f"GET {_D}/{{draft_id}}/picker/children": op(also=(409,)),
    f"POST {_D}/{{draft_id}}/input/{{name}}": op(
        body=_ANYTHING, also=(409, 413, 415, 422), headers=("x-file-name", "x-client")
    ),
    f"GET {_D}/{{draft_id}}/input/{{name}}/text": op(),
    f"POST {_D}/{{draft_id}}/infer_schema": op(body="sample!: any"),
    f"POST {_D}/{{draft_id}}/connect": op(
        body="cell: string, field: string, whole: boolean, use_model: boolean, dry: boolean", also=(409, 429, 502, 504)
    ),
    f"POST {_D}/{{draft_id}}/assist": op(
        "object|events",
        body="instruction: string, mode: string, cell: string, dry: boolean, stream: boolean",
        also=(409, 413, 422, 429, 502, 504),
    ),
    f"GET {_D}/{{draft_id}}/iterations": op(also=(409,)),
    f"GET {_D}/{{draft_id}}/state": op(),
    f"POST {_D}/{{draft_id}}/state": op(body="key: string, value: any"),
    f"DELETE {_D}/{{draft_id}}/state": op(),
    f"GET {_D}/{{draft_id}}/named": op(),
    f"DELETE {_D}/{{draft_id}}/shared": op(),
    f"GET {_D}/{{draft_id}}/static": op(),
    f"POST {_D}/{{draft_id}}/deploy": op(body="path: string, message: string, replace: boolean", also=_EDIT),
    f"GET {_D}/{{draft_id}}/merge": op(also=(409, 422)),
    f"POST {_D}/{{draft_id}}/merge": op(
        body="version!: integer, draft_version!: integer, choices: object, client: string", also=_EDIT
    ),
    f"GET {_D}/{{draft_id}}/comments": op(),
    f"POST {_D}/{{draft_id}}/comments": op(status=201, body="cell: string, thread: string, text!: string"),
    f"POST {_D}/{{draft_id}}/comments/{{name}}": op(body="text!: string"),
    f"DELETE {_D}/{{draft_id}}/comments/{{name}}": op(),
    f"POST {_D}/{{draft_id}}/comments/{{name}}/resolve": op(body="resolved: boolean"),
    f"POST {_D}/{{draft_id}}/presence": op(
        body="client!: string, cell: string, typing: boolean, take: boolean, hello: boolean, leave: boolean"
    ),
    f"GET {_D}/{{draft_id}}/export": op("document", also=(422,)),
    "POST /api/w/{ws}/assistant/connect": op(
        body="flow: any, step_id: string, field: string, samples: any, use_model: boolean, dry: boolean",
        also=(409, 422, 429, 502, 504),
    ),
    "GET /api/w/{ws}/assistant/settings": op(),
    "POST /api/w/{ws}/assistant/settings": op(body=_MODEL),
    "POST /api/w/{ws}/assistant/test": op(body=f"role: string, {_MODEL}"),
    "POST /api/w/{ws}/code/{action}": op(
        body="language: string, code: string, line: integer, column: integer", also=(503,)
    ),
    "GET /api/w/{ws}/flows": op("list"),
    "GET /api/w/{ws}/templates": op("list"),
    "GET /api/w/{ws}/lint_rules/{rule}": op(),
    "GET /api/w/{ws}/flows/schema/{path}": op(),
    "GET /api/w/{ws}/chats/list/{path}": op("list"),
    "GET /api/w/{ws}/chats/messages/{path}": op(),
    "GET /api/w/{ws}/flows/versions/{path}": op("list"),
    "GET /api/w/{ws}/flows/comments/{path}": op(),
    "POST /api/w/{ws}/flows/edit/{path}": op(also=(422,)),
    "POST /api/w/{ws}/flows/fork/{path}": op(status=201, also=(422,)),
    f"GET {_FLOW_LINKS}": op("list"),
    f"POST {_FLOW_LINKS}": op(status=201, body=_LINK),
    f"DELETE {_FLOW_LINKS}/{{name}}": op(),
}

RUNS: dict[str, Operation] = {
    f"GET {_R}": op("Runs"),
    "GET /api/w/{ws}/run_views": op("list"),
    "POST /api/w/{ws}/run_views": op(status=201, body=f"name!: string, {_VIEW}"),
    "GET /api/w/{ws}/run_views/{name}": op(),
    "POST /api/w/{ws}/run_views/{name}": op(body=f"name: string, {_VIEW}"),
    "DELETE /api/w/{ws}/run_views/{name}": op(),
    f"GET {_R}/compare": op(),
    f"GET {_R}/{{run_id}}": op(),
    f"GET {_R}/{{run_id}}/code": op(),
    f"POST {_R}/{{run_id}}/open": op(status=201, also=(409, 422)),
    f"GET {_R}/{{run_id}}/links": op("list"),
    f"POST {_R}/{{run_id}}/links": op(status=201, body=_LINK),
    f"DELETE {_R}/{{run_id}}/links/{{name}}": op(),
    "GET /shared/{token}": op("html", public=True, also=(404, 429), others={404: ("html",), 429: ("html",)}),
    f"GET {_R}/{{run_id}}/output": op(),
    f"GET {_R}/{{run_id}}/node": op(),
    f"GET {_R}/{{run_id}}/text": op(),
    f"GET {_R}/{{run_id}}/table": op(),
    f"GET {_R}/{{run_id}}/table.csv": op("csv"),
    f"GET {_R}/{{run_id}}/raw": op("any"),
    f"GET {_R}/{{run_id}}/file": op("file"),
    f"GET {_R}/{{run_id}}/logs": op("object|text"),
}

APPROVALS: dict[str, Operation] = {
    "GET /api/w/{ws}/jobs/resume_urls/{job_id}/{resume_id}": op(),
    "GET /api/w/{ws}/jobs/wac_approval_urls/{job_id}/{step_key}": op(also=(409,)),
    "GET /api/w/{ws}/jobs/job_signature/{job_id}/{resume_id}": op("text"),
    **{
        f"POST {_SIGNED % word}": op(
            "text", 201, body=json_body(ANY), query=_PAYLOAD, also=(401, 403, 404, 409, 422), public=True
        )
        for word in ("resume", "cancel")
    },
    **{f"GET {_SIGNED % word}": op("redirect", 303, public=True, also=(404,)) for word in ("resume", "cancel")},
    f"GET {_SIGNED % 'get_flow'}": op(public=True, also=(401, 403, 404)),
    "POST /api/w/{ws}/jobs/flow/resume/{job_id}": op("text", 201, body=json_body(ANY), also=(409, 422)),
    "POST /api/w/{ws}/jobs_u/flow/resume_suspended/{job_id}": op(
        "text", 201, body="approved: boolean, payload: any", also=(409, 422)
    ),
    "GET /api/w/{ws}/jobs_u/flow/approval_info/{job_id}": op(),
    "GET /api/w/{ws}/jobs/slack_approval/{job_id}": op("text"),
    "GET /api/w/{ws}/jobs/teams_approval/{job_id}": op("text"),
    "GET /api/w/{ws}/approvals": op("list"),
    "GET /api/w/{ws}/runs/{run_id}/approvals": op("list"),
    "POST /api/w/{ws}/runs/{run_id}/approvals": op(
        body="path: string, approved: boolean, payload: any, comment: string", also=(409, 422)
    ),
    "GET /api/w/{ws}/approvals/count": op(),
    "GET /api/w/{ws}/approvals/answered": op("list"),
    f"POST {_R}/{{run_id}}/approvals/hand_on": op(body="path: string, to: string", also=(409, 422)),
    "GET /api/w/{ws}/workspaces/get_approval_messages": op(),
    "POST /api/w/{ws}/workspaces/edit_approval_messages": op("text", body="messages!: objects"),
    f"GET {_ASKED_PAGE}": op("html", public=True, also=(401, 403, 404, 409), others={303: ("redirect",)}),
    f"POST {_ASKED_PAGE}": op("redirect", 303, public=True, also=(401, 403, 404, 409)),
    f"GET {_PAGE}": op("html", public=True, also=(401, 403, 404)),
    f"POST {_PAGE}": op(
        "redirect",
        303,
        body=Body({FORM: OBJECT}),
        public=True,
        also=(401, 403, 404, 409, 413, 422),
    ),
}
