"""Addresses that start and follow jobs, as Windmill's clients know them. These are the webhooks too."""

from __future__ import annotations

from flowapp.api.openapi.operations import Body, Operation, json_body, op
from flowapp.api.openapi.schemas import ANY, FLAG, STRING, STRINGS, Schema

_J = "/api/w/{ws}/jobs"
_U = "/api/w/{ws}/jobs_u"
#: The arguments; also what other systems send to a webhook.
ARGUMENTS = Body(
    {
        "application/json": {"description": "The arguments; a value that is no object becomes the argument `body`."},
        "application/x-www-form-urlencoded": {"type": "object", "additionalProperties": STRING},
        "multipart/form-data": {"type": "object", "additionalProperties": STRING},
        "text/plain": {"type": "string", "description": "Becomes the argument `raw_string`."},
    }
)
_SECONDS: Schema = {"type": "integer", "minimum": 0}
OPTIONS: dict[str, Schema] = {
    "scheduled_for": {"type": "string", "format": "date-time"},
    "scheduled_in_secs": _SECONDS,
    "parent_job": STRING,
    "root_job": STRING,
    "job_id": {"type": "string", "format": "uuid"},
    "tag": STRING,
    "timeout": _SECONDS,
    "cache_ttl": _SECONDS,
    "retry": {"type": "string", "description": "JSON text of a step's `retry`, for scripts."},
    "memory_id": STRING,
    "skip_preprocessor": FLAG,
}
_CALLED: dict[str, Schema] = {
    **OPTIONS,
    "payload": {"type": "string", "description": "base64 of the JSON arguments, where there is no body."},
    "include_header": STRING,
    "include_query": STRING,
}
_WAITED: dict[str, Schema] = {**_CALLED, "queue_limit": _SECONDS}
FILTERS: dict[str, Schema] = {
    **{
        name: STRING
        for name in (
            *(
                "created_by",
                "script_path_exact",
                "script_path_start",
                "script_hash",
                "schedule_path",
                "job_kinds",
                "tag",
            ),
            *("trigger_kind", "status", "created_before", "created_after", "started_before", "started_after"),
            *("created_or_started_before", "created_or_started_after"),
            *("completed_before", "completed_after", "scheduled_for_before", "scheduled_for_after"),
            *("parent_job", "args", "result", "label", "worker"),
        )
    },
    **{
        name: FLAG
        for name in (
            *("running", "suspended", "success", "is_skipped", "has_null_parent", "is_not_schedule"),
            *("scheduled_for_before_now", "order_desc", "is_flow_step"),
        )
    },
}
_SCRIPT = "content!: string, language!: string, args: object, path: string, lock: string, tag: string, temp_script_refs: texts"
_FLOW = "value!: object, args: object, path: string, tag: string, restarted_from: object, temp_script_refs: texts"
#: A job that cannot be started: its id is taken, it names what cannot be run, the server is stopping, the hub does not answer.
_START = (409, 413, 422, 502)
#: A synchronous call: the job's own error, what may not be shown any more, too many before it, not over in time.
_WAIT = (*_START, 410, 429, 504)
_KINDS = ("f/{path}", "fv/{version}", "p/{path}", "h/{hash}")


def _started(body: str | Body, query: dict[str, Schema]) -> Operation:
    return op("text", 201, body=body, query=query, also=_START)


def _waits(body: str | Body | None, query: dict[str, Schema]) -> Operation:
    return op("any", body=body, query=query, also=_WAIT, others={500: ("JobFailed", "text")}, wishes=True)


STARTING: dict[str, Operation] = {
    **{f"POST {_J}/run/{kind}": _started(ARGUMENTS, _CALLED) for kind in _KINDS},
    **{f"GET {_J}/run_wait_result/{kind}": _waits(None, _WAITED) for kind in _KINDS},
    **{f"POST {_J}/run_wait_result/{kind}": _waits(ARGUMENTS, _WAITED) for kind in _KINDS},
    **{f"GET {_J}/run_and_stream/{kind}": op("events", query=_CALLED, also=_START) for kind in _KINDS},
    **{f"POST {_J}/run_and_stream/{kind}": op("events", body=ARGUMENTS, query=_CALLED, also=_START) for kind in _KINDS},
    f"POST {_J}/run/preview": _started(_SCRIPT, OPTIONS),
    f"POST {_J}/run/preview_flow": _started(_FLOW, OPTIONS),
    f"POST {_J}/run_wait_result/preview": _waits(_SCRIPT, OPTIONS),
    f"POST {_J}/run_wait_result/preview_flow": _waits(_FLOW, OPTIONS),
    f"POST {_J}/run_inline/preview": _waits(_SCRIPT, OPTIONS),
    f"POST {_J}/restart/f/{{job_id}}": _started(
        "step_id!: string, branch_or_iteration_n: integer, nested: object, flow_version: integer, args: object", {}
    ),
    f"POST {_J}/restart/f/{{job_id}}/from/{{step_id}}": op("text", 201, also=_START),
    f"POST {_J}/restart/f/{{job_id}}/from/{{step_id}}/{{number}}": op("text", 201, also=_START),
    f"POST {_J}/run/workflow_as_code/{{job_id}}/{{function}}": op("text", 201, body="args: object", also=_START),
    f"POST {_J}/wac/inline_checkpoint/{{job_id}}": op(
        body="key!: string, result: any, started_at: string, duration_ms: number", also=(409,)
    ),
    f"POST {_J}/run/dependencies": op(body="raw_scripts!: objects, temp_script_refs: texts"),
    f"POST {_J}/run/dependencies_async": op("text", 201, body="raw_scripts!: objects, temp_script_refs: texts"),
    f"POST {_J}/run/flow_dependencies_async": op(
        "text", 201, body="flow_value!: object, path: string, temp_script_refs: texts", also=(422,)
    ),
}

FOLLOWING: dict[str, Operation] = {
    f"GET {_U}/get/{{job_id}}": op("Job"),
    f"GET {_U}/completed/get/{{job_id}}": op("Job"),
    f"GET {_U}/completed/get_result/{{job_id}}": op("any", also=(410,)),
    f"GET {_U}/completed/get_result_maybe/{{job_id}}": op(),
    f"GET {_U}/get_root_job_id/{{job_id}}": op("string"),
    f"GET {_U}/get_args/{{job_id}}": op("any", also=(410,)),
    f"GET {_U}/get_logs/{{job_id}}": op("text"),
    f"GET {_U}/get_flow_all_logs/{{job_id}}": op("text"),
    f"GET {_U}/getupdate/{{job_id}}": op(),
    f"GET {_U}/getupdate_sse/{{job_id}}": op("events"),
    f"POST {_U}/queue/cancel/{{job_id}}": op("text", body="reason: string"),
    f"POST {_U}/queue/force_cancel/{{job_id}}": op("text", body="reason: string"),
    f"POST {_U}/queue/cancel_persistent/{{path}}": op("strings", body="reason: string"),
    f"GET {_J}/list": op("Jobs", query=FILTERS),
    f"GET {_J}/queue/list": op("Jobs", query=FILTERS),
    f"GET {_J}/completed/list": op("Jobs", query=FILTERS),
    f"GET {_J}/queue/count": op(),
    f"GET {_J}/completed/count": op(),
    f"GET {_J}/queue/position/{{milliseconds}}": op(),
    f"POST {_J}/queue/cancel_selection": op("strings", body=json_body(STRINGS, required=True)),
    f"POST {_J}/completed/delete/{{job_id}}": op("Job", also=(409,)),
    f"GET {_J}/result_by_id/{{job_id}}/{{node_id}}": op("any", also=(410,)),
    f"GET {_J}/worker_is_draining/{{job_id}}": op("boolean"),
    "POST /api/w/{ws}/oidc/token/{audience}": op("text", 400),
    f"GET {_J}/flow/user_states/{{job_id}}/{{key}}": op("any"),
    f"POST {_J}/flow/user_states/{{job_id}}/{{key}}": op("text", body=json_body(ANY)),
    "GET /api/w/{ws}/job_metrics/get_progress/{job_id}": op("any"),
    "POST /api/w/{ws}/job_metrics/set_progress/{job_id}": op("null", body="percent: number"),
}
