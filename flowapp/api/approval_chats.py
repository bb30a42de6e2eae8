"""Messages in Slack and Teams that a step sends about its own approval, as Windmill's clients ask for them (by GET)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import PlainTextResponse, Response

from flowapp.api.approval_parts import Approver
from flowapp.api.auth import App, Caller
from flowapp.workspace.approval_chats import ChatAsk

router = APIRouter(prefix="/api/w/{ws}/jobs")
_Short = Annotated[str, Query(max_length=1000)]
_Long = Annotated[str, Query(max_length=64_000)]


def _asked(
    approver: Approver = "",
    message: _Long = "",
    default_args_json: _Long = "",
    dynamic_enums_json: _Long = "",
    resume_button_text: _Short = "",
    cancel_button_text: _Short = "",
) -> ChatAsk:
    return ChatAsk(
        resource="",
        message=message,
        approver=approver,
        default_args=default_args_json,
        enums=dynamic_enums_json,
        resume_text=resume_button_text,
        cancel_text=cancel_button_text,
    )


Asked = Annotated[ChatAsk, Depends(_asked)]


@router.get("/slack_approval/{job_id}")
async def slack_approval(
    job_id: str,
    caller: Caller,
    workspace: App,
    asked: Asked,
    slack_resource_path: _Short = "",
    channel_id: _Short = "",
) -> Response:
    """Send a message to a channel of Slack, with links to the page of the step's request. Only the step itself may."""
    await workspace.approval_chats.slack(
        caller, job_id, replace(asked, resource=slack_resource_path, channel=channel_id)
    )
    return PlainTextResponse("The message was sent to Slack")


@router.get("/teams_approval/{job_id}")
async def teams_approval(
    job_id: str,
    caller: Caller,
    workspace: App,
    asked: Asked,
    team_name: _Short = "",
    channel_name: _Short = "",
) -> Response:
    """The same by the incoming webhook of a channel of Teams, whose resource `team_name` names."""
    await workspace.approval_chats.teams(caller, job_id, replace(asked, resource=team_name, channel=channel_name))
    return PlainTextResponse("The message was sent to Teams")
