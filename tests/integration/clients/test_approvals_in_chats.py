"""Steps that ask for their approval in Slack or Teams, by the unmodified clients: the message, its links, what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.integration.clients.test_npm_client_in_jobs import IMPORT
from tests.integration.clients.test_workflows_as_code import asked
from tests.live import Live, live
from tests.unit.net.http_server import Answer, HttpServer, Request, http_server

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKEN = "xoxb-1-quite-secret"
PIN = "4711-rather-private"
FORM = {"type": "object", "properties": {"size": {"type": "string", "enum": ["s", "m"]}, "why": {"type": "string"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chats(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Live, HttpServer]]:
    """A server, and one that answers in place of Slack and of a webhook of Teams."""

    async def takes(request: Request) -> Answer:
        if request.target != "/api/chat.postMessage":
            return Answer(b"1", 500 if request.target.startswith("/broken") else 202)
        if json.loads(request.body)["channel"] == "nowhere":
            return Answer({"ok": False, "error": "channel_not_found"})
        return Answer({"ok": True, "ts": "1"})

    home: Path = tmp_path_factory.mktemp("home")
    async with http_server(takes) as chat, live(home, allowed_hosts="127.0.0.1") as server:
        for path, value in (
            ("f/ops/slack", {"token": "$var:f/ops/token", "api_url": f"{chat.url}/api"}),
            ("f/ops/no_token", {"api_url": f"{chat.url}/api"}),
            ("f/ops/teams", {"url": f"{chat.url}/hook?sig=quite-secret"}),
            ("f/ops/broken", {"url": f"{chat.url}/broken?sig=quite-secret"}),
        ):
            await server.post("resources/create", {"path": path, "value": value, "resource_type": "slack"})
        for path, text in (("f/ops/token", TOKEN), ("f/ops/pin", PIN)):
            secret = {"path": path, "value": text, "is_secret": True, "description": ""}
            await server.post("variables/create", secret)
        yield server, chat


def flow(code: str, language: str = "python3", **suspend: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "language": language, "content": code, "input_transforms": {}}
    wait = {"required_events": 1, "resume_form": {"schema": FORM}, **suspend}
    answer = {"type": "javascript", "expr": "[resume, approvers]"}
    last = {"type": "rawscript", "language": "python3", "content": "def main(x):\n    return x\n"}
    after = {"id": "b", "value": {**last, "input_transforms": {"x": answer}}}
    first = {"id": "a", "summary": "Buy <it>?", "value": value, **({} if suspend.get("none") else {"suspend": wait})}
    return {"value": {"modules": [first, after]}, "args": {}}


ASKS = """
import wmill
def main():
    wmill.request_interactive_slack_approval(
        slack_resource_path="/f/ops/slack", channel_id="C0FFEE", message="*Please* buy", approver="leo",
        default_args_json={"why": "we need it"}, dynamic_enums_json={"size": ["xl", "xxl"]},
    )
    return 1
"""


async def test_a_step_asks_in_slack_and_the_link_decides(chats: tuple[Live, HttpServer]) -> None:
    server, chat = chats
    job = (await server.post("jobs/run/preview_flow", flow(ASKS))).text
    assert await asked(server, job) == "a"
    (request,) = chat.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    body = request.json
    assert (body["channel"], body["text"], body["unfurl_links"]) == ("C0FFEE", "*Please* buy", False)
    text, context, actions = body["blocks"]
    assert text["text"] == {"type": "mrkdwn", "text": "*Please* buy"} and "admin asks" in str(context)
    (button,) = actions["elements"]
    assert button["text"]["text"] == "Open the request"
    assert "we need it" not in request.body.decode() and "xxl" not in request.body.decode()

    page = urlsplit(button["url"])._replace(scheme="", netloc="").geturl()
    stranger = {"authorization": ""}
    shown = await server.client.get(page, headers=stranger)
    assert shown.status_code == 200 and "xxl" in shown.text and "we need it" in shown.text and ">m<" not in shown.text
    assert "C0FFEE in Slack" in str(await server.get(f"runs/{job}/approvals"))
    assert await asked(server, job) == "a"  # opening it has decided nothing
    resume = page.replace("/approve/main/", "/api/w/main/jobs_u/resume/")
    wrong = await server.client.post(resume, json={"size": "m"}, headers=stranger)
    assert wrong.status_code == 422
    assert (await server.client.post(resume, json={"size": "xl"}, headers=stranger)).status_code == 201
    done = await server.ended(job)
    assert done["result"] == [{"size": "xl", "why": "we need it"}, ["leo"]]
    assert (
        TOKEN not in json.dumps(done)
        and TOKEN not in (await server.client.get(f"/api/w/main/jobs_u/get_logs/{job}")).text
    )


TELLS = """
import wmill
def main():
    told = wmill.get_variable("f/ops/pin")
    wmill.request_interactive_slack_approval(slack_resource_path="f/ops/slack", channel_id="C1", message=f"Pin {told}?")
"""


async def test_secrets_do_not_go_out_with_the_message(chats: tuple[Live, HttpServer]) -> None:
    server, chat = chats
    before = len(chat.requests)
    job = (await server.post("jobs/run/preview_flow", flow(TELLS))).text
    assert await asked(server, job) == "a"
    (request,) = chat.requests[before:]
    assert request.json["text"] == "Pin *****?" and PIN not in request.body.decode()
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)


TYPESCRIPT = """
export async function main() {
  await wmill.requestInteractiveSlackApproval({
    slackResourcePath: 'f/ops/slack', channelId: 'C1', resumeButtonText: 'Yes …', cancelButtonText: 'No …',
  })
  await wmill.requestInteractiveTeamsApproval({ teamName: 'f/ops/teams', channelName: 'General', message: 'Please' })
}
"""


async def test_the_typescript_client_asks_in_both(chats: tuple[Live, HttpServer]) -> None:
    server, chat = chats
    before = len(chat.requests)
    job = (await server.post("jobs/run/preview_flow", flow(IMPORT["deno"] + TYPESCRIPT, "deno"))).text
    assert await asked(server, job) == "a"
    slack, teams = (request.json for request in chat.requests[before:])
    buttons = slack["blocks"][-1]["elements"]
    assert [each["text"]["text"] for each in buttons] == ["Yes …", "No …"]
    assert slack["text"] == "Buy <it>?" and buttons[0]["url"] == buttons[1]["url"]
    (attachment,) = teams["attachments"]
    card = attachment["content"]
    assert (
        attachment["contentType"] == "application/vnd.microsoft.card.adaptive" and card["body"][0]["text"] == "Please"
    )
    (action,) = card["actions"]
    assert action["type"] == "Action.OpenUrl" and "/approve/main/" in action["url"]
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)


REFUSED = """
import os, wmill
def main():
    client, found = wmill.Windmill(), []
    for kind, query in [
        ("slack", {"slack_resource_path": "f/ops/slack", "channel_id": "nowhere"}),
        ("slack", {"slack_resource_path": "f/ops/slack"}),
        ("slack", {"slack_resource_path": "f/ops/none", "channel_id": "C1"}),
        ("slack", {"slack_resource_path": "f/ops/no_token", "channel_id": "C1"}),
        ("slack", {"slack_resource_path": "f/ops/slack", "channel_id": "C1", "default_args_json": "[1]"}),
        ("teams", {"team_name": "Sales", "channel_name": "General"}),
        ("teams", {"team_name": "f/ops/broken", "channel_name": "General"}),
    ]:
        path = f"/w/main/jobs/{kind}_approval/{os.environ['WM_JOB_ID']}"
        answer = client.get(path, params=query, raise_for_status=False)
        found.append([answer.status_code, answer.text])
    return found
"""


async def test_what_cannot_be_sent_is_told_without_secrets(chats: tuple[Live, HttpServer]) -> None:
    server, _ = chats
    job = (await server.post("jobs/run/preview_flow", flow(REFUSED))).text
    assert await asked(server, job) == "a"
    row = await server.services.workspace.store.runs.step(job, "a")
    assert row is not None and row.result is not None
    found = json.loads(await server.services.workspace.store.values.get_value(row.result))
    assert [status for status, _ in found] == [400] * 7
    told = [text for _, text in found]
    assert "channel_not_found" in told[0] and "channel_id" in told[1] and "f/ops/none" in told[2]
    assert "token" in told[3] and "default_args_json" in told[4] and "incoming webhook" in told[5] and "500" in told[6]
    assert "quite-secret" not in str(found)
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)


async def test_a_step_that_waits_for_nobody_asks_nobody(chats: tuple[Live, HttpServer]) -> None:
    server, chat = chats
    before = len(chat.requests)
    done = await server.ended((await server.post("jobs/run/preview_flow", flow(ASKS, none=True))).text)
    assert not done["success"] and "waits for nobody" in json.dumps(done["result"])
    assert len(chat.requests) == before
