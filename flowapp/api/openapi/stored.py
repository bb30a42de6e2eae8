"""Addresses of what a workspace stores: scripts, flows, variables, resources, schedules, and scripts of hubs."""

from __future__ import annotations

from flowapp.api.openapi.operations import Body, Operation, json_body, op
from flowapp.api.openapi.schemas import STRING

_W = "/api/w/{ws}"
_SCRIPT = (
    "path!: string, content!: string, language!: string, summary: string, description: string, schema: any, lock: string, "
    "kind: string, parent_hash: string, auto_parent: boolean, deployment_message: string, tag: string"
)
_FLOW = (
    "path!: string, value!: object, summary: string, description: string, schema: object, deployment_message: string"
)
_VARIABLE = "path: string, value: string, is_secret: boolean, description: string, labels: strings"
_RESOURCE = "path: string, value: any, resource_type: string, description: string, labels: strings"
_TYPE = "schema: any, description: string, format_extension: string, is_fileset: boolean"
_SCHEDULE = (
    "schedule!: string, timezone!: string, args: object, summary: string, description: string, on_failure: string, "
    "on_success: string, on_recovery: string, no_flow_overlap: boolean, tag: string, paused_until: string, retry: object, "
    "cron_version: string"
)

SCRIPTS: dict[str, Operation] = {
    f"POST {_W}/scripts/create": op("text", 201, body=_SCRIPT, also=(422,)),
    f"POST {_W}/scripts/create_snapshot": op(
        "text",
        201,
        body=Body(
            {
                "multipart/form-data": {
                    "type": "object",
                    "required": ["script", "file"],
                    "properties": {
                        "script": {"type": "string", "description": "JSON text of what scripts/create takes."},
                        "file": {"type": "string", "description": "The JavaScript that runs."},
                    },
                }
            },
            required=True,
        ),
        also=(422,),
    ),
    f"POST {_W}/scripts/update/{{path}}": op("text", 201, body=_SCRIPT.replace("path!", "path"), also=(422,)),
    f"GET {_W}/scripts/get/p/{{path}}": op("Script"),
    f"GET {_W}/scripts/get/h/{{hash}}": op("Script"),
    f"GET {_W}/scripts/raw/p/{{path}}": op("text"),
    f"GET {_W}/scripts/raw/h/{{hash}}": op("text"),
    f"GET {_W}/scripts/exists/p/{{path}}": op("boolean"),
    f"GET {_W}/scripts/list": op("Scripts"),
    f"GET {_W}/scripts/list_paths": op("strings"),
    f"GET {_W}/scripts/list_search": op("list"),
    f"GET {_W}/scripts/history/p/{{path}}": op("list"),
    f"GET {_W}/scripts/around/p/{{path}}": op(),
    f"POST {_W}/scripts/signature": op(body="content: string, language!: string, schema: object"),
    f"GET {_W}/scripts/get_latest_version/{{path}}": op(),
    f"GET {_W}/scripts/deployment_status/h/{{hash}}": op(),
    f"POST {_W}/scripts/archive/p/{{path}}": op("text"),
    f"POST {_W}/scripts/archive/h/{{hash}}": op("Script"),
    f"POST {_W}/scripts/delete/p/{{path}}": op("text"),
    f"POST {_W}/scripts/delete/h/{{hash}}": op("text"),
    f"POST {_W}/scripts/raw_temp/store": op("text", body=json_body(STRING, required=True)),
    f"POST {_W}/scripts/raw_temp/diff": op("strings", body="scripts: texts, workspace_deps: objects"),
    "GET /api/scripts/hub/top": op(also=(502,)),
    "GET /api/embeddings/query_hub_scripts": op("list", also=(502,)),
    "GET /api/scripts/hub/get_full/{path}": op(also=(404, 502)),
    "GET /api/scripts/hub/get/{path}": op("text", also=(404, 502)),
    f"GET {_W}/hub/list": op(),
    f"GET {_W}/hub/get/{{path}}": op(also=(502,)),
    f"POST {_W}/hub/begin": op(status=201, body="path!: string", also=(502,)),
}

FLOWS: dict[str, Operation] = {
    f"POST {_W}/flows/create": op("text", 201, body=_FLOW, also=(422,)),
    f"POST {_W}/flows/update/{{path}}": op("text", body=_FLOW.replace("path!", "path"), also=(422,)),
    f"GET {_W}/flows/get/{{path}}": op("Flow"),
    f"GET {_W}/flows/get/v/{{version}}": op("Flow"),
    f"GET {_W}/flows/exists/{{path}}": op("boolean"),
    f"GET {_W}/flows/list": op("Flows"),
    f"GET {_W}/flows/list_paths": op("strings"),
    f"GET {_W}/flows/history/p/{{path}}": op("list"),
    f"GET {_W}/flows/get_latest_version/{{path}}": op(),
    f"GET {_W}/flows/deployment_status/p/{{path}}": op(),
    f"POST {_W}/flows/archive/{{path}}": op("text", body="archived: boolean"),
    f"DELETE {_W}/flows/delete/{{path}}": op("text"),
}

VARIABLES: dict[str, Operation] = {
    f"POST {_W}/variables/create": op(
        "text", 201, body=_VARIABLE.replace("path:", "path!:").replace("value:", "value!:"), also=(422,)
    ),
    f"POST {_W}/variables/update/{{path}}": op("text", body=_VARIABLE, also=(422,)),
    f"GET {_W}/variables/get/{{path}}": op("Variable"),
    f"GET {_W}/variables/get_value/{{path}}": op("string"),
    f"GET {_W}/variables/exists/{{path}}": op("boolean"),
    f"GET {_W}/variables/list": op("Variables"),
    f"GET {_W}/variables/list_contextual": op("list"),
    f"DELETE {_W}/variables/delete/{{path}}": op("text"),
    f"DELETE {_W}/variables/delete_bulk": op("strings", body="paths!: strings", also=(422,)),
    f"POST {_W}/variables/encrypt": op("text", body=json_body(STRING, required=True)),
}

RESOURCES: dict[str, Operation] = {
    f"GET {_W}/resources/type/list": op("list"),
    f"GET {_W}/resources/type/listnames": op("strings"),
    f"GET {_W}/resources/type/get/{{name}}": op(),
    f"GET {_W}/resources/type/exists/{{name}}": op("boolean"),
    f"POST {_W}/resources/type/create": op("text", 201, body=f"name!: string, {_TYPE}"),
    f"POST {_W}/resources/type/update/{{name}}": op("text", body=_TYPE),
    f"DELETE {_W}/resources/type/delete/{{name}}": op("text"),
    f"GET {_W}/resources/file_resource_type_to_file_ext_map": op(),
    f"POST {_W}/resources/create": op("text", 201, body=_RESOURCE.replace("path:", "path!:"), also=(422,)),
    f"POST {_W}/resources/update/{{path}}": op("text", body=_RESOURCE, also=(422,)),
    f"POST {_W}/resources/update_value/{{path}}": op("text", body="value!: any"),
    f"GET {_W}/resources/get/{{path}}": op("Resource"),
    f"GET {_W}/resources/get_value/{{path}}": op("any"),
    f"GET {_W}/resources/get_value_interpolated/{{path}}": op("any"),
    f"GET {_W}/resources/history/p/{{path}}": op(),
    f"DELETE {_W}/resources/history/p/{{path}}": op("text"),
    f"GET {_W}/resources/history/v/{{version}}": op(),
    f"POST {_W}/resources/history/restore/v/{{version}}": op("text"),
    f"GET {_W}/resources/exists/{{path}}": op("boolean"),
    f"GET {_W}/resources/list": op("Resources"),
    f"GET {_W}/resources/list_search": op("list"),
    f"GET {_W}/resources/list_names/{{name}}": op("list"),
    f"DELETE {_W}/resources/delete/{{path}}": op("text"),
}

USAGES: dict[str, Operation] = {
    f"GET {_W}/usages/{{kind}}/{{path}}": op(),
}

SCHEDULES: dict[str, Operation] = {
    f"POST {_W}/schedules/create": op(
        "text", 201, body=f"path!: string, script_path!: string, is_flow!: boolean, enabled: boolean, {_SCHEDULE}"
    ),
    f"POST {_W}/schedules/update/{{path}}": op("text", body=_SCHEDULE),
    f"POST {_W}/schedules/setenabled/{{path}}": op("text", body="enabled!: boolean"),
    f"DELETE {_W}/schedules/delete/{{path}}": op("text"),
    f"GET {_W}/schedules/get/{{path}}": op("Schedule"),
    f"GET {_W}/schedules/exists/{{path}}": op("boolean"),
    f"GET {_W}/schedules/list": op("Schedules"),
    f"GET {_W}/schedules/list_with_jobs": op("Schedules"),
    "POST /api/schedules/preview": op("strings", body="schedule!: string, timezone!: string, cron_version: string"),
}
