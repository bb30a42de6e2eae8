"""The addresses that Windmill's clients call, in a table: with which status and which content type each of them answers.

Clients decode by the content type, so a text that comes as JSON breaks them as surely as a missing address.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import httpx
import pytest

from tests.integration.api.api_server import CHAIN, Server

Kind = Literal["application/json", "text/plain"]
JSON: Kind = "application/json"
TEXT: Kind = "text/plain"
W = "/api/w/main"
SCRIPT = {"path": "f/a/s", "summary": "", "content": "def main(x=1): return x", "language": "python3", "lock": ""}
SCHEDULE = {"schedule": "0 0 3 * * *", "timezone": "UTC", "args": {}}
LOCK = {
    "raw_scripts": [{"raw_code": SCRIPT["content"], "language": "python3", "script_path": "f/a/s"}],
    "raw_workspace_dependencies": None,
    "entrypoint": "f/a/s",
    "temp_script_refs": None,
}
RUNS = {"path": "f/a/n", "script_path": "f/a/s", "is_flow": False, "enabled": False}


class Call(NamedTuple):
    """One call and its answer; `{hash}` and the like stand for what an earlier answer said, kept under `keep`."""

    method: str
    path: str
    status: int
    kind: Kind
    body: Any = None
    keep: str = ""


CALLS = [
    Call("GET", "/api/version", 200, TEXT),
    Call("GET", "/api/uptodate", 200, TEXT),
    Call("GET", "/api/users/whoami", 200, JSON),
    Call("GET", "/api/users/email", 200, TEXT),
    Call("GET", "/api/workspaces/list", 200, JSON),
    Call("GET", "/api/workspaces/users", 200, JSON),
    Call("POST", "/api/workspaces/exists", 200, JSON, {"id": "main"}),
    Call("POST", "/api/workspaces/create", 201, TEXT, {"id": "other", "name": "Other"}),
    Call("GET", "/api/settings/global/automate_username_creation", 200, JSON),
    Call("POST", "/api/users/tokens/create", 201, TEXT, {"label": "x"}, "token"),
    Call("GET", "/api/users/tokens/list", 200, JSON),
    Call("DELETE", "/api/users/tokens/delete/{token}", 200, TEXT),
    Call("POST", "/api/users/create", 201, TEXT, {"email": "ada@example.org", "password": "long enough 1"}),
    Call("GET", "/api/users/list_as_super_admin", 200, JSON),
    Call("POST", "/api/schedules/preview", 200, JSON, SCHEDULE),
    # files
    Call("POST", "W/job_helpers/upload_s3_file?file_key=a", 200, JSON, {"content": 1}),
    Call("POST", "W/apps/sign_s3_objects", 200, JSON, {"s3_objects": [{"s3": "a"}]}),
    Call("DELETE", "W/job_helpers/delete_s3_file?file_key=a", 200, TEXT),
    # workspace, people
    Call("GET", "W/users/whoami", 200, JSON),
    Call("POST", "W/workspaces/add_user", 201, TEXT, {"email": "ada@example.org", "operator": True}),
    Call("POST", "W/users/add", 201, TEXT, {"email": "bob@example.org", "is_admin": False, "operator": False}),
    Call("GET", "W/users/list", 200, JSON),
    Call("GET", "W/users/list_usernames", 200, JSON),
    Call("GET", "W/users/get/ada", 200, JSON),
    Call("GET", "W/users/whois/ada", 200, JSON),
    Call("GET", "W/users/username_to_email/ada", 200, TEXT),
    Call("GET", "W/users/is_owner/u/ada/x", 200, JSON),
    Call("POST", "W/users/exists", 200, JSON, {"username": "ada"}),
    Call("POST", "W/users/update/ada", 200, TEXT, {"is_admin": True, "operator": False, "disabled": False}),
    Call("GET", "W/workspaces/list_ws_specific", 200, JSON),
    Call("POST", "W/groups/create", 200, TEXT, {"name": "crew", "summary": "Crew"}),
    Call("POST", "W/groups/adduser/crew", 200, TEXT, {"username": "ada"}),
    Call("GET", "W/groups/list", 200, JSON),
    Call("GET", "W/groups/listnames", 200, JSON),
    Call("GET", "W/groups/get/crew", 200, JSON),
    Call("POST", "W/groups/update/crew", 200, TEXT, {"summary": "All"}),
    Call("POST", "W/groups/removeuser/crew", 200, TEXT, {"username": "ada"}),
    Call("DELETE", "W/groups/delete/crew", 200, TEXT),
    # groups of the whole installation
    Call("POST", "/api/groups/create", 200, TEXT, {"name": "ops", "summary": "Ops"}),
    Call("POST", "/api/groups/adduser/ops", 200, TEXT, {"email": "ada@example.org"}),
    Call("GET", "/api/groups/list", 200, JSON),
    Call("GET", "/api/groups/list_with_workspaces", 200, JSON),
    Call("GET", "/api/groups/get/ops", 200, JSON),
    Call("GET", "/api/groups/get/none", 404, TEXT),
    Call("POST", "/api/groups/update/ops", 200, TEXT, {"new_summary": "All"}),
    Call("POST", "/api/groups/removeuser/ops", 200, TEXT, {"email": "ada@example.org"}),
    Call("GET", "/api/groups/export", 200, JSON),
    Call("POST", "/api/groups/overwrite", 200, TEXT, [{"name": "ops", "emails": ["ada@example.org"]}]),
    Call("DELETE", "/api/groups/delete/ops", 200, TEXT),
    Call("DELETE", "W/users/delete/ada", 200, TEXT),
    Call("POST", "W/folders/create", 200, TEXT, {"name": "a"}),
    Call("POST", "W/folders/update/a", 200, TEXT, {"summary": "A"}),
    Call("POST", "W/folders/addowner/a", 200, TEXT, {"owner": "u/ada"}),
    Call("POST", "W/folders/removeowner/a", 200, TEXT, {"owner": "u/ada"}),
    Call("GET", "W/folders/get/a", 200, JSON),
    Call("GET", "W/folders/exists/a", 200, JSON),
    Call("GET", "W/folders/list", 200, JSON),
    Call("GET", "W/folders/listnames", 200, JSON),
    Call("GET", "W/folders/getusage/a", 200, JSON),
    Call("POST", "W/acls/add/folder/a", 200, TEXT, {"owner": "u/ada", "write": True}),
    Call("GET", "W/acls/get/folder/a", 200, JSON),
    Call("POST", "W/acls/remove/folder/a", 200, TEXT, {"owner": "u/ada"}),
    # variables, resources
    Call("POST", "W/variables/create", 201, TEXT, {"path": "f/a/v", "value": "1", "is_secret": True}),
    Call("POST", "W/variables/update/f/a/v", 200, TEXT, {"value": "2"}),
    Call("GET", "W/variables/get/f/a/v?decrypt_secret=false&include_encrypted=true", 200, JSON),
    Call("GET", "W/variables/get_value/f/a/v", 200, JSON),
    Call("GET", "W/variables/exists/f/a/v", 200, JSON),
    Call("GET", "W/variables/list", 200, JSON),
    Call("GET", "W/variables/list_contextual", 200, JSON),
    Call("POST", "W/variables/encrypt", 200, TEXT, "hush"),
    Call("DELETE", "W/variables/delete_bulk", 200, JSON, {"paths": ["f/a/none"]}),
    Call("POST", "W/resources/type/create", 201, TEXT, {"name": "thing", "schema": {}}),
    Call("POST", "W/resources/type/update/thing", 200, TEXT, {"description": "A thing"}),
    Call("GET", "W/resources/type/get/thing", 200, JSON),
    Call("GET", "W/resources/type/exists/thing", 200, JSON),
    Call("GET", "W/resources/type/list", 200, JSON),
    Call("GET", "W/resources/type/listnames", 200, JSON),
    Call("GET", "W/resources/file_resource_type_to_file_ext_map", 200, JSON),
    Call("POST", "W/resources/create", 201, TEXT, {"path": "f/a/r", "value": 0, "resource_type": "thing"}),
    Call("POST", "W/resources/update/f/a/r", 200, TEXT, {"description": "x"}),
    Call("POST", "W/resources/update_value/f/a/r", 200, TEXT, {"value": None}),
    Call("GET", "W/resources/get/f/a/r", 200, JSON),
    Call("GET", "W/resources/get_value/f/a/r", 200, JSON),
    Call("GET", "W/resources/get_value_interpolated/f/a/r?job_id=x&allow_cache=true", 200, JSON),
    Call("GET", "W/resources/history/p/f/a/r", 200, JSON),
    Call("GET", "W/resources/history/v/1", 200, JSON),
    Call("POST", "W/resources/history/restore/v/1", 200, TEXT),
    Call("DELETE", "W/resources/history/p/f/a/r", 200, TEXT),
    Call("GET", "W/resources/exists/f/a/r", 200, JSON),
    Call("GET", "W/resources/list?page=0&per_page=10", 200, JSON),
    Call("GET", "W/resources/list_search", 200, JSON),
    Call("GET", "W/resources/list_names/thing", 200, JSON),
    Call("DELETE", "W/resources/delete/f/a/r", 200, TEXT),
    Call("DELETE", "W/resources/type/delete/thing", 200, TEXT),
    Call("DELETE", "W/variables/delete/f/a/v", 200, TEXT),
    # scripts
    Call("POST", "W/scripts/create?skip_if_noop=true", 201, TEXT, SCRIPT, "first"),
    Call("POST", "W/scripts/update/f/a/s", 201, TEXT, {**SCRIPT, "summary": "S"}, "hash"),
    Call("GET", "W/scripts/get/p/f/a/s", 200, JSON),
    Call("GET", "W/scripts/get/h/{hash}", 200, JSON),
    Call("GET", "W/scripts/raw/p/f/a/s.py", 200, TEXT),
    Call("GET", "W/scripts/raw/h/{hash}.py", 200, TEXT),
    Call("GET", "W/scripts/exists/p/f/a/s", 200, JSON),
    Call("GET", "W/scripts/list?page=0&per_page=10&include_without_main=false", 200, JSON),
    Call("GET", "W/scripts/list_paths", 200, JSON),
    Call("GET", "W/scripts/list_search", 200, JSON),
    Call("GET", "W/scripts/history/p/f/a/s", 200, JSON),
    Call("GET", "W/scripts/get_latest_version/f/a/s", 200, JSON),
    Call("GET", "W/scripts/deployment_status/h/{hash}", 200, JSON),
    # flows
    Call("POST", "W/flows/create", 201, TEXT, {"path": "f/a/c", **CHAIN}),
    Call("POST", "W/flows/update/f/a/c", 200, TEXT, {"path": "f/a/c", **CHAIN}),
    Call("GET", "W/flows/get/f/a/c", 200, JSON),
    Call("GET", "W/flows/get/v/1", 200, JSON),
    Call("GET", "W/flows/exists/f/a/c", 200, JSON),
    Call("GET", "W/flows/list?page=0&per_page=10", 200, JSON),
    Call("GET", "W/flows/list_paths", 200, JSON),
    Call("GET", "W/flows/history/p/f/a/c", 200, JSON),
    Call("GET", "W/flows/get_latest_version/f/a/c", 200, JSON),
    Call("GET", "W/flows/deployment_status/p/f/a/c", 200, JSON),
    # schedules
    Call("POST", "W/schedules/create", 201, TEXT, {**SCHEDULE, **RUNS}),
    Call("POST", "W/schedules/update/f/a/n", 200, TEXT, SCHEDULE),
    Call("POST", "W/schedules/setenabled/f/a/n", 200, TEXT, {"enabled": False}),
    Call("GET", "W/schedules/get/f/a/n", 200, JSON),
    Call("GET", "W/schedules/exists/f/a/n", 200, JSON),
    Call("GET", "W/schedules/list", 200, JSON),
    Call("GET", "W/schedules/list_with_jobs", 200, JSON),
    Call("DELETE", "W/schedules/delete/f/a/n", 200, TEXT),
    # starting
    Call("POST", "W/jobs/run/p/f/a/s", 201, TEXT, {}, "script"),
    Call("POST", "W/jobs/run/h/{hash}?tag=x&unknown=1", 201, TEXT, {}),
    Call("POST", "W/jobs/run/f/f/a/c", 201, TEXT, {"n": 1}, "flow"),
    Call("POST", "W/jobs/run/fv/2", 201, TEXT, {"n": 1}),
    Call("POST", "W/jobs/run/preview", 201, TEXT, {"content": SCRIPT["content"], "language": "python3", "args": {}}),
    Call("POST", "W/jobs/run/preview_flow", 201, TEXT, {"value": CHAIN["value"], "args": {}}),
    Call("POST", "W/jobs/run_wait_result/p/f/a/s?include_header=X-Y", 200, JSON, {}),
    Call("GET", "W/jobs/run_wait_result/p/f/a/s?payload=eyJ4IjoyfQ==", 200, JSON),
    Call("POST", "W/jobs/run_wait_result/h/{hash}", 200, JSON, {}),
    Call("GET", "W/jobs/run_wait_result/f/f/a/c?payload=eyJuIjoyfQ==", 200, JSON),
    Call("POST", "W/jobs/run_wait_result/fv/2", 200, JSON, {"n": 1}),
    Call("POST", "W/jobs/run_wait_result/preview", 200, JSON, {"content": "x", "language": "python3", "args": {}}),
    Call("POST", "W/jobs/run_wait_result/preview_flow", 200, JSON, {"value": CHAIN["value"], "args": {}}),
    Call("POST", "W/jobs/run_inline/preview", 200, JSON, {"content": "x", "language": "python3", "args": {}}),
    # locks
    Call("POST", "W/scripts/raw_temp/diff", 200, JSON, {"scripts": {"f/a/s": "0" * 64}, "workspace_deps": []}),
    Call("POST", "W/scripts/raw_temp/store", 200, TEXT, SCRIPT["content"]),
    Call("POST", "W/jobs/run/dependencies_async", 201, TEXT, LOCK, "lock"),
    Call("GET", "W/jobs_u/completed/get_result_maybe/{lock}?get_started=false", 200, JSON),
    Call("POST", "W/jobs/run/dependencies", 200, JSON, LOCK),
    Call("POST", "W/jobs/run/flow_dependencies_async", 201, TEXT, {"flow_value": CHAIN["value"], "path": "f/a/c"}),
    # following
    Call("GET", "W/jobs_u/get/{flow}?no_logs=true", 200, JSON),
    Call("GET", "W/jobs_u/get_root_job_id/{flow}", 200, JSON),
    Call("GET", "W/jobs_u/getupdate/{flow}?running=true&log_offset=0", 200, JSON),
    Call("GET", "W/jobs_u/get_logs/{script}", 200, TEXT),
    Call("GET", "W/jobs_u/get_flow_all_logs/{flow}", 200, TEXT),
    Call("GET", "W/jobs_u/get_args/{flow}", 200, JSON),
    Call("GET", "W/jobs_u/completed/get/{flow}", 200, JSON),
    Call("GET", "W/jobs_u/completed/get_result/{flow}", 200, JSON),
    Call("GET", "W/jobs_u/completed/get_result_maybe/{flow}?get_started=true", 200, JSON),
    Call("GET", "W/jobs/result_by_id/{flow}/a", 200, JSON),
    Call("POST", "W/jobs/flow/user_states/{flow}/k", 200, TEXT, [1]),
    Call("GET", "W/jobs/flow/user_states/{flow}/k", 200, JSON),
    Call("POST", "W/job_metrics/set_progress/{flow}", 200, JSON, {"percent": 5, "flow_job_id": None}),
    Call("GET", "W/job_metrics/get_progress/{flow}", 200, JSON),
    Call("GET", "W/jobs/worker_is_draining/{flow}", 200, JSON),
    Call("GET", "W/jobs/resume_urls/{flow}/4294967295?approver=", 200, JSON),
    Call("GET", "W/jobs/job_signature/{flow}/1", 200, TEXT),
    Call("GET", "W/jobs/list?job_kinds=script,flow,singlestepflow&per_page=30&has_null_parent=true", 200, JSON),
    Call("GET", "W/jobs/queue/list?job_kinds=dependencies&created_after=2026-01-01T00:00:00Z", 200, JSON),
    Call("GET", "W/jobs/completed/list?job_kinds=dependencies&success=false", 200, JSON),
    Call("GET", "W/jobs/queue/count", 200, JSON),
    Call("GET", "W/jobs/completed/count", 200, JSON),
    Call("GET", "W/jobs/queue/position/1700000000000", 200, JSON),
    Call("POST", "W/jobs_u/queue/cancel/{flow}", 200, TEXT, {}),
    Call("POST", "W/jobs_u/queue/force_cancel/{flow}", 200, TEXT, {"reason": "x"}),
    Call("POST", "W/jobs_u/queue/cancel_persistent/f/a/s", 200, JSON, {}),
    Call("POST", "W/jobs/queue/cancel_selection", 200, JSON, []),
    Call("POST", "W/jobs/completed/delete/{script}", 200, JSON),
    Call("GET", "W/audit/list?per_page=1", 200, JSON, None, "entry"),
    Call("GET", "W/audit/get/{entry}", 200, JSON),
    # and away
    Call("POST", "W/flows/archive/f/a/c", 200, TEXT, {"archived": True}),
    Call("DELETE", "W/flows/delete/f/a/c", 200, TEXT),
    Call("POST", "W/scripts/archive/h/{first}", 200, JSON),
    Call("POST", "W/scripts/delete/h/{first}", 200, TEXT),
    Call("POST", "W/scripts/archive/p/f/a/s", 200, TEXT),
    Call("POST", "W/scripts/delete/p/f/a/s", 200, TEXT),
    Call("DELETE", "W/folders/delete/a", 200, TEXT),
    Call("POST", "/api/auth/login", 200, TEXT, {"email": "ada@example.org", "password": "long enough 1"}),
    Call("POST", "/api/auth/logout", 200, TEXT),
]
JOB = "00000000-0000-4000-8000-000000000000"
#: What is asked for about something that is not there.
MISSING = [
    *(
        "scripts/get/p/f/a/none",
        "scripts/get/h/0123456789abcdef",
        "scripts/raw/p/f/a/none.py",
        "scripts/history/p/f/a/none",
    ),
    *("flows/get/f/a/none", "flows/get/v/4711", "flows/history/p/f/a/none", "flows/deployment_status/p/f/a/none"),
    *(
        "variables/get/f/a/none",
        "variables/get_value/f/a/none",
        "resources/get/f/a/none",
        "resources/get_value/f/a/none",
    ),
    *("resources/get_value_interpolated/f/a/none", "resources/type/get/none", "schedules/get/f/a/none"),
    *("folders/get/none", "groups/get/none", "users/get/none", "users/username_to_email/none", "audit/get/4711"),
    *(
        f"jobs_u/get/{JOB}",
        f"jobs_u/completed/get/{JOB}",
        f"jobs_u/completed/get_result/{JOB}",
        f"jobs_u/get_logs/{JOB}",
    ),
    *(f"jobs_u/completed/get_result_maybe/{JOB}", f"jobs_u/getupdate/{JOB}", f"jobs/flow/user_states/{JOB}/k"),
    *(f"job_metrics/get_progress/{JOB}", f"jobs/resume_urls/{JOB}/1", "jobs/resume_urls/NO_JOB_ID/1"),
    # whole kinds of things that are not there, of which clients print the text
    *(
        "apps/list",
        "apps_u/public_resource/x",
        "trash/list",
        "http_triggers/list",
        "shared_ui/get",
        "job_helpers/list_stored_files",
    ),
]


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("content-type", "").partition(";")[0]


def known(name: str, answer: httpx.Response) -> str:
    """What later calls need of an answer."""
    if name == "entry":
        return str(answer.json()[0]["id"])
    return answer.text[:10] if name == "token" else answer.text


async def test_each_call_has_its_status_and_kind_of_answer(server: Server) -> None:
    kept: dict[str, str] = {}
    wrong = []
    for call in CALLS:
        path = call.path.replace("W/", f"{W}/", 1) if call.path.startswith("W/") else call.path
        for name, value in kept.items():
            path = path.replace("{" + name + "}", value)
        answer = await server.client.request(call.method, path, json=call.body)
        if told(answer) != (call.status, call.kind):
            wrong.append(f"{call.method} {path}: {told(answer)} {answer.text[:200]}")
        if call.keep:
            kept[call.keep] = known(call.keep, answer)
    assert wrong == []


async def test_what_is_not_there_is_said_as_text(server: Server) -> None:
    wrong = []
    for path in MISSING:
        answer = await server.client.get(f"{W}/{path}")
        if told(answer) != (404, TEXT):
            wrong.append(f"{path}: {told(answer)} {answer.text[:200]}")
    assert wrong == []


async def test_what_is_not_offered_is_said_as_text(server: Server) -> None:
    answer = await server.client.post(f"{W}/oidc/token/https://vault.example.org", params={"expires_in": 60})
    assert told(answer) == (400, TEXT) and "not supported" in answer.text and "variable" in answer.text


@pytest.mark.parametrize("way", ["header", "header with spaces", "cookie", "address"])
async def test_a_token_comes_in_any_of_these_ways(server: Server, way: str) -> None:
    token = (await server.client.post("/api/users/tokens/create", json={"label": "x"})).text
    headers = {
        "header": {"authorization": f"Bearer {token}"},
        "header with spaces": {"authorization": f"Bearer {token} "},
        "cookie": {"cookie": f"token={token}"},
        "address": {},
    }[way]
    query = f"?token={token}" if way == "address" else ""
    body = {"content": "x", "language": "python3", "args": {}}
    stranger = server.make_client(headers)
    assert (await stranger.post(f"{W}/jobs/run/preview{query}", json=body)).status_code == 201
