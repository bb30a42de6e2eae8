"""The hub's pages over HTTP: lists with filters, honest about hubs that do not answer; one script; taking it over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowapp.hub import Hub
from flowapp.workspace.hub_browser import HubBrowser
from tests.integration.api.api_server import Server

W = "/api/w/main"
CSV = "hub/9000001/data/parse_csv"


async def listing(server: Server, **query: Any) -> dict[str, Any]:
    answer = await server.client.get(f"{W}/hub/list", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ask(server: Server, hub: Hub) -> None:
    """Let the pages look into this hub."""
    server.workspace.hub_browser = HubBrowser(hub, server.workspace.new_drafts)


async def test_scripts_are_searched_and_filtered(server: Server) -> None:
    everything = await listing(server)
    assert everything["total"] == len(everything["scripts"]) == 12
    assert everything["hubs"] == [
        {"name": "the starter hub", "origin": "starter", "count": 12, "problem": "", "asked": True}
    ]
    assert {"name": "data", "label": "data", "count": 4} in everything["apps"]
    assert {"name": "deno", "label": "TypeScript", "count": 3} in everything["languages"]
    first = (await listing(server, text="csv rows"))["scripts"][0]
    assert (first["path"], first["language_label"], first["origin"]) == (CSV, "Python", "starter")
    both = await listing(server, app="http", language="deno")
    assert [script["name"] for script in both["scripts"]] == ["fetch_json"]
    assert len(both["apps"]) == len(everything["apps"])  # what can be chosen does not shrink
    few = await listing(server, limit=2)
    assert (len(few["scripts"]), few["total"]) == (2, 12)
    assert (await listing(server, text="nothing like it"))["scripts"] == []


async def test_a_hub_that_does_not_answer_is_said_and_the_others_are_listed(server: Server, tmp_path: Path) -> None:
    hub = Hub.open("http://127.0.0.1:9", str(tmp_path / "none"), tmp_path / "cache")
    ask(server, hub)
    near = await listing(server, remote=False)
    assert [one["asked"] for one in near["hubs"]] == [True, True, False]
    full = await listing(server)
    starter, folder, remote = full["hubs"]
    assert (full["total"], starter["count"]) == (12, 12)
    assert "is not there" in folder["problem"]
    assert "http://127.0.0.1:9 does not answer" in remote["problem"]
    assert (await listing(server, remote=False))["hubs"] == full["hubs"]  # it said so a moment ago
    gone = await server.client.get(f"{W}/hub/get/hub/77/slack/send")
    assert gone.status_code == 502
    assert "does not answer" in gone.json()["error"]["message"]
    await hub.close()


async def test_a_script_is_shown_with_its_inputs_and_versions(server: Server, tmp_path: Path) -> None:
    for version in ("5", "12"):
        folder = tmp_path / version / "team"
        folder.mkdir(parents=True)
        (folder / "greet.py").write_text("def main(name: str, times: int = 2):\n    return name * times\n")
    (tmp_path / "12" / "team" / "broken.py").write_text("def main(:\n")
    ask(server, Hub.open("", str(tmp_path), tmp_path / "cache"))
    shown = (await server.client.get(f"{W}/hub/get/{CSV}")).json()
    assert "lists where there is no such line" in shown["description"]
    assert shown["content"].startswith("import csv")
    assert (shown["hub"], shown["version_id"], shown["editor"]) == ("the starter hub", 9000001, "python")
    assert shown["schema"]["required"] == ["text"]
    greet = (await server.client.get(f"{W}/hub/get/hub/5/team/greet")).json()
    assert list(greet["schema"]["properties"]) == ["name", "times"]  # nobody wrote it down: read from the code
    assert [each["id"] for each in greet["versions"]] == [12, 5]
    assert (greet["may_use"], greet["may_copy"], greet["mine"]) == (True, True, "u/admin/")
    broken = (await server.client.get(f"{W}/hub/get/hub/12/team/broken")).json()
    assert broken["problem"]
    for path, status in (("hub/1/no/such", 404), ("f/a/b", 400), ("hub/1/../x", 400)):
        assert (await server.client.get(f"{W}/hub/get/{path}")).status_code in (status, 404)


async def test_a_new_flow_begins_with_the_script_and_knows_its_inputs(server: Server, tmp_path: Path) -> None:
    made = await server.client.post(f"{W}/hub/begin", json={"path": CSV})
    assert made.status_code == 201, made.text
    notebook = await server.notebook(made.json()["id"])
    (cell,) = [cell for cell in notebook["cells"] if cell["kind"] == "script"]
    assert (cell["path"], cell["title"] if "title" in cell else cell["summary"]) == (CSV, "Rows of a CSV text")
    assert "text" in str(cell["inputs"])
    folder = tmp_path / "3" / "chat"
    folder.mkdir(parents=True)
    (folder / "ask.py").write_text("def main(who: str):\n    return who\n")
    (folder / "ask.script.yaml").write_text("kind: approval\n")
    ask(server, Hub.open("", str(tmp_path), tmp_path / "cache"))
    waiting = await server.client.post(f"{W}/hub/begin", json={"path": "hub/3/chat/ask"})
    exported = await server.client.get(f"{W}/drafts/{waiting.json()['id']}/export?format=json")
    assert exported.json()["value"]["modules"][0]["suspend"] == {"required_events": 1}


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_who_does_not_develop_looks_and_takes_nothing(server: Server, role: str) -> None:
    client = await server.person("rita", role)
    assert (await client.get(f"{W}/hub/list")).json()["total"] == 12
    shown = (await client.get(f"{W}/hub/get/{CSV}")).json()
    assert (shown["may_use"], shown["may_copy"]) == (False, False)
    assert (await client.post(f"{W}/hub/begin", json={"path": CSV})).status_code == 403
    copy = {"path": "u/rita/csv", "content": shown["content"], "language": shown["language"]}
    assert (await client.post(f"{W}/scripts/create", json=copy)).status_code == 403
    await client.aclose()


async def test_strangers_and_other_workspaces_learn_nothing(server: Server) -> None:
    other = await server.person("olga", "admin", workspace="elsewhere")
    for address in (f"{W}/hub/list", f"{W}/hub/get/{CSV}"):
        assert (await other.get(address)).status_code == 404
        assert (await server.make_client().get(address)).status_code == 401
    assert (await other.post(f"{W}/hub/begin", json={"path": CSV})).status_code == 404
    await other.aclose()
