"""Who uses a stored thing, looked at before one is deleted: over HTTP and on the pages that delete."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.ui import services
from flowapp.ui.state.home import HomeState
from flowapp.ui.state.scripts import ScriptsState
from flowapp.ui.state.stored import ResourcesState, VariablesState
from tests.integration.api.api_server import Server
from tests.support.states import send, state_of

W = "/api/w/main"
_DAILY = {"schedule": "0 0 9 * * *", "timezone": "UTC", "is_flow": False, "script_path": "f/x/job"}


async def make(server: Server, kind: str, **body: Any) -> None:
    answer = await server.client.post(f"{W}/{kind}/create", json=body)
    assert answer.is_success, answer.text


async def script(server: Server, path: str, content: str = "echo 1", language: str = "bash", **more: Any) -> None:
    await make(server, "scripts", path=path, content=content, language=language, **more)


async def flow(server: Server, path: str, *values: dict[str, Any], schema: dict[str, Any] | None = None) -> None:
    modules = [{"id": f"s{at}", "value": value} for at, value in enumerate(values)]
    await make(server, "flows", path=path, summary="", value={"modules": modules}, schema=schema or {})


async def schedule(server: Server, path: str, **more: Any) -> None:
    await make(server, "schedules", **{**_DAILY, "path": path, "args": {}, **more})


def called(kind: str, path: str) -> dict[str, Any]:
    return {"type": kind, "path": path, "input_transforms": {}}


async def used_by(server: Server, kind: str, path: str) -> list[str]:
    answer = await server.client.get(f"{W}/usages/{kind}/{path}")
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()["used_by"]
    return found


@pytest.fixture
async def full(server: Server) -> Server:
    """A variable `f/x/key`, a resource `f/x/db`, a script `f/x/job`, and a neighbour of each that nothing uses."""
    for name in ("key", "key2"):
        await make(server, "variables", path=f"f/x/{name}", value="1", is_secret=True)
    for name in ("db", "db2"):
        await make(server, "resources", path=f"f/x/{name}", value={}, resource_type="any")
    for name in ("job", "job2"):
        await script(server, f"f/x/{name}")
    return server


async def test_a_variable_in_arguments_of_schedules_and_of_their_handlers(full: Server) -> None:
    await schedule(full, "f/x/plain", args={"deep": [{"k": "$var:f/x/key"}]})
    await schedule(full, "f/x/json", args={"k": "$jsonvar:f/x/key"})
    handled = {"on_failure": "script/f/x/job", "on_failure_extra_args": {"token": "$var:f/x/key"}}
    await schedule(full, "f/x/handled", **handled)
    await schedule(full, "f/x/other", args={"k": "$var:f/x/key2"})
    assert await used_by(full, "variable", "f/x/key") == [
        "schedule f/x/handled",
        "schedule f/x/json",
        "schedule f/x/plain",
    ]


async def test_a_variable_and_a_resource_in_a_resource_and_in_a_script(full: Server) -> None:
    await make(
        full, "resources", path="f/x/mail", value={"p": "$var:f/x/key", "r": "$res:f/x/db"}, resource_type="smtp"
    )
    await script(full, "f/x/reads", "import wmill\nx = wmill.get_variable('f/x/key')", "python3")
    await script(full, "f/x/asks", schema={"properties": {"d": {"type": "object", "default": "$res:f/x/db"}}})
    assert await used_by(full, "variable", "f/x/key") == ["script f/x/reads", "resource f/x/mail"]
    assert await used_by(full, "resource", "f/x/db") == ["script f/x/asks", "resource f/x/mail"]
    assert await used_by(full, "resource", "f/x/db2") == [] and await used_by(full, "variable", "f/x/key2") == []


async def test_a_resource_in_arguments_of_schedules_and_in_messages_of_a_step(full: Server) -> None:
    await schedule(full, "f/x/plain", args={"db": "$res:f/x/db"})
    step = {"type": "rawscript", "language": "bash", "content": "", "input_transforms": {}}
    waits = {"required_events": 1, "messages": [{"resource": "f/x/db"}]}
    module = {"id": "a", "value": step, "suspend": waits}
    await make(full, "flows", path="f/x/waits", summary="", value={"modules": [module]})
    assert await used_by(full, "resource", "f/x/db") == ["flow f/x/waits", "schedule f/x/plain"]


async def test_a_resource_in_the_settings_of_the_workspace(full: Server) -> None:
    http = full.client
    chat = {"messages": [{"resource": "f/x/db"}]}
    (await http.post(f"{W}/workspaces/edit_approval_messages", json=chat)).raise_for_status()
    bucket = {"endPoint": "s3.example.org", "bucket": "files", "accessKey": "a", "secretKey": "b", "useSSL": True}
    await make(full, "resources", path="f/x/bucket", value=bucket, resource_type="s3")
    kept = {"large_file_storage": {"type": "S3Storage", "s3_resource_path": "f/x/bucket"}}
    answer = await http.post(f"{W}/workspaces/edit_large_file_storage_config", json=kept)
    assert answer.is_success, answer.text
    assert await used_by(full, "resource", "f/x/db") == ["settings: messages about approvals"]
    assert await used_by(full, "resource", "f/x/bucket") == ["settings: where files are kept"]


@pytest.mark.parametrize("option", ["on_failure", "on_success", "on_recovery"])
async def test_a_script_and_a_flow_that_handle_the_runs_of_a_schedule(full: Server, option: str) -> None:
    await flow(full, "f/x/after")
    await schedule(full, "f/x/a", script_path="f/x/job2", **{option: "script/f/x/job"})
    await schedule(full, "f/x/b", script_path="f/x/job2", **{option: "flow/f/x/after"})
    await schedule(full, "f/x/c", script_path="f/x/job2", **{option: "f/x/job"})
    assert await used_by(full, "script", "f/x/job") == ["schedule f/x/a", "schedule f/x/c"]
    assert await used_by(full, "flow", "f/x/after") == ["schedule f/x/b"]


async def test_a_script_that_a_schedule_asks_whether_to_run(full: Server) -> None:
    await schedule(full, "f/x/a", script_path="f/x/job2", dynamic_skip="f/x/job")
    assert await used_by(full, "script", "f/x/job") == ["schedule f/x/a"]


async def test_what_calls_a_flow_or_a_script(full: Server) -> None:
    await flow(full, "f/x/inner", called("script", "f/x/job"))
    await flow(full, "f/x/outer", called("flow", "f/x/inner"))
    await schedule(full, "f/x/daily", is_flow=True, script_path="f/x/inner")
    await full.draft(
        {"summary": "", "value": {"modules": [{"id": "a", "value": called("flow", "f/x/inner")}]}}, path="u/ada/mine"
    )
    assert await used_by(full, "flow", "f/x/inner") == ["flow f/x/outer", "draft u/ada/mine", "schedule f/x/daily"]
    assert await used_by(full, "script", "f/x/job") == ["flow f/x/inner"]


async def test_a_type_of_resources(full: Server) -> None:
    for name in ("box", "boxes"):
        await make(full, "resources/type", name=name, schema={})
    field = {"properties": {"b": {"type": "object", "format": "resource-box"}}}
    await make(full, "resources/type", name="crate", schema=field)
    await make(full, "resources", path="f/x/one", value={}, resource_type="box")
    await script(full, "f/x/takes", schema=field)
    await flow(full, "f/x/takes", schema=field)
    # the text of a script is no schema
    content = 'echo \'{"format": "resource-boxes"}\''
    await flow(full, "f/x/says", {"type": "rawscript", "language": "bash", "content": content, "input_transforms": {}})
    found = ["flow f/x/takes", "script f/x/takes", "resource f/x/one", "resource type crate"]
    assert await used_by(full, "resource_type", "box") == found
    assert await used_by(full, "resource_type", "boxes") == []


async def test_one_learns_of_what_one_may_read(full: Server) -> None:
    await full.client.post(f"{W}/folders/create", json={"name": "shut", "owners": ["u/admin"], "extra_perms": {}})
    await schedule(full, "f/shut/daily", args={"k": "$var:f/x/key"})
    await script(full, "f/shut/job", "wmill get_variable('f/x/key')")
    dora = await full.person("dora", "developer")
    assert (await dora.get(f"{W}/usages/variable/f/x/key")).json() == {"used_by": []}
    assert await used_by(full, "variable", "f/x/key") == ["script f/shut/job", "schedule f/shut/daily"]


@pytest.mark.parametrize("kind", ["variable", "resource", "resource_type", "script", "flow"])
async def test_of_another_workspace_is_like_a_missing_one(full: Server, kind: str) -> None:
    await make(full, "resources/type", name="box", schema={})
    await flow(full, "f/x/flow")
    path = {
        "variable": "f/x/key",
        "resource": "f/x/db",
        "resource_type": "box",
        "script": "f/x/job",
        "flow": "f/x/flow",
    }
    olga = await full.person("olga", "admin", "elsewhere")
    missing = await full.client.get(f"{W}/usages/{kind}/{'nobody' if kind == 'resource_type' else 'f/x/nobody'}")
    assert missing.status_code == 404
    for where in ("main", "elsewhere"):
        answer = await olga.get(f"/api/w/{where}/usages/{kind}/{path[kind]}")
        assert answer.status_code == 404
        assert where == "main" or answer.json() == missing.json()
    assert await used_by(full, kind, path[kind]) == []


async def test_an_unknown_kind_is_refused(full: Server) -> None:
    assert (await full.client.get(f"{W}/usages/folder/x")).status_code == 400


async def test_the_pages_that_delete_show_them(full: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_bound", full.workspace)
    await flow(full, "f/x/after")
    await schedule(full, "f/x/a", args={"k": "$var:f/x/key", "r": "$res:f/x/db"}, on_failure="flow/f/x/after")
    await full.person("ada", "admin")
    cookie = f"flowapp_session={await full.workspace.sessions.open('ada@example.org', '127.0.0.1')}"
    kinds: tuple[tuple[Any, str], ...] = (
        *((VariablesState, "f/x/key"), (ResourcesState, "f/x/db")),
        *((ScriptsState, "f/x/job"), (HomeState, "f/x/after")),
    )
    for kind, path in kinds:
        state = state_of(kind, cookie)
        await send(state, "ask", path)
        assert (state.problem, state.deleting, state.users) == ("", path, ["schedule f/x/a"]), kind
        gone = state_of(kind, cookie)
        await send(gone, "ask", "f/x/gone")
        assert kind is HomeState or (gone.problem.startswith("There is no such") and not gone.deleting)
