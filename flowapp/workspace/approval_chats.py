"""A step asks for its approval in a chat: a message in Slack or Teams with links to the page of its request.

The buttons open that page, where somebody decides; nothing of this server listens to Slack or Teams. What the step says for the form
(defaults, choices) is kept for the request, and not told in the chat.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.access.approving import MAX_RESUME_ID
from flowapp.access.errors import AccessError, NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import dumps, loads
from flowapp.notify import ChatMessage, NotSent, Slack, WebAddress, send_to_slack, send_to_teams
from flowapp.openflow.waits import required_events
from flowapp.store.masks import masked
from flowapp.workspace import guard
from flowapp.workspace.approval_delivery import policy_of
from flowapp.workspace.approval_requests import Requests
from flowapp.workspace.approvals import Approvals
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.job_places import Place
from flowapp.workspace.job_views import JobViews
from flowapp.workspace.known_secrets import hidden_of
from flowapp.workspace.run_secrets import RunSecrets

LONGEST_TEXT = 3000
LONGEST_SAID = 64_000
_HOW_TEAMS = "Keep the address of the channel's incoming webhook in a resource, {\"url\": …}, and give the resource's path as team_name."


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """What a step wants to be said, as its client sends it: texts, and JSON texts of objects.

    `resource` is the path of a Slack app's resource, or of one with a webhook's address.
    """

    resource: str
    channel: str = ""
    message: str = ""
    approver: str = ""
    default_args: str = ""
    enums: str = ""
    resume_text: str = ""
    cancel_text: str = ""


class ApprovalChats:
    """Sends such messages, when the step asks for one: it hears whether the message was taken."""

    def __init__(
        self, context: Context, requests: Requests, approvals: Approvals, views: JobViews, resources: RunSecrets
    ) -> None:
        self._context = context
        self._store = context.store
        self._policy = policy_of(context.settings.allowed_hosts)
        self._requests = requests
        self._approvals = approvals
        self._views = views
        self._resources = resources

    async def slack(self, identity: Identity, job: str, ask: ChatAsk) -> None:
        """Send a message to a channel of Slack.

        Raises:
            NotFound, NotAllowed: the job is not the one that asks, or may not use the resource.
            BadRequest: something of what it asks cannot be, or Slack did not take the message.
        """
        place, module, said = await self._asking(identity, job, ask)
        if not ask.channel:
            raise BadRequest("channel_id is missing.", "Send the id or name of a channel that the app is in.")
        value = await self._resource(identity, ask.resource, "slack_resource_path")
        message = await self._message(identity, place, module, ask)
        try:
            await send_to_slack(Slack.of(value), ask.channel, message, self._policy)
        except NotSent as error:
            raise BadRequest(error.message, error.hint) from None
        await self._told(place, f"{ask.channel} in Slack", said)

    async def teams(self, identity: Identity, job: str, ask: ChatAsk) -> None:
        """Send a message to a channel of Teams by its incoming webhook. For what is raised see `slack`."""
        place, module, said = await self._asking(identity, job, ask)
        if "/" not in ask.resource:
            raise BadRequest("Flowapp is no app of Teams, so it knows no team by its name.", _HOW_TEAMS)
        value = await self._resource(identity, ask.resource, "team_name")
        message = await self._message(identity, place, module, ask)
        try:
            await send_to_teams(WebAddress.of(value), message, self._policy)
        except NotSent as error:
            raise BadRequest(error.message, error.hint) from None
        await self._told(place, f"{ask.channel or ask.resource} in Teams", said)

    async def _asking(
        self, identity: Identity, job: str, ask: ChatAsk
    ) -> tuple[Place, Mapping[str, Any], dict[str, Any]]:
        """The step that asks, its module, and what it says for its form."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        place = await self._requests.place(identity.workspace, job)
        require(identity, "run.read", guard.run_target(place.run))
        if not identity.job or identity.job != place.id:
            raise NotAllowed("Only the step that is to be approved asks for it, with its job's token.")
        module = await self._views.module(place)
        if not required_events(module):
            raise BadRequest(
                "This step waits for nobody, so there is nothing to approve.",
                "Let it wait for approval in its settings (suspend).",
            )
        said = {
            "default_args": _object(ask.default_args, "default_args_json"),
            "enums": _object(ask.enums, "dynamic_enums_json"),
        }
        return place, module, {name: value for name, value in said.items() if value}

    async def _resource(self, identity: Identity, given: str, name: str) -> Mapping[str, Any]:
        path = given.strip().removeprefix("$res:").strip("/")
        if not path:
            raise BadRequest(f"{name} is missing.")
        try:
            text = await self._resources.value(identity, "resource", path)
        except AccessError:
            text = None  # one that may not be used looks like none
        value = loads(text) if text is not None else None
        if not isinstance(value, dict):
            raise BadRequest(f"{identity.username} may use no resource {path[:200]}.", "Is its path right?")
        return value

    async def _message(self, identity: Identity, place: Place, module: Mapping[str, Any], ask: ChatAsk) -> ChatMessage:
        run = place.run
        hidden = await hidden_of(self._context, run)
        number = secrets.randbelow(MAX_RESUME_ID + 1)
        link = await self._approvals.sign(identity, place.id, number, ask.approver)
        url = f"{self._context.settings.base_url}{link.page}"
        buttons = [(masked(ask.resume_text, hidden) or "Open the request", url)]
        if ask.cancel_text and not module["suspend"].get("hide_cancel"):
            buttons.append((masked(ask.cancel_text, hidden), url))
        title = str(module.get("summary") or "") or f"Step {module.get('id')} waits for approval"
        asks = f"{run.created_by} asks: {run.summary or run.path or 'a flow'}, run {run.number}"
        text = masked(ask.message, hidden)[:LONGEST_TEXT] or title
        return ChatMessage(
            text, [asks, "The buttons open a page; nothing is decided before somebody does it there."], buttons
        )

    async def _told(self, place: Place, where: str, said: Mapping[str, Any]) -> None:
        approvals, text = self._store.approvals, dumps(said)
        await self._store.database.write(lambda c: approvals.note_told(c, place.run.id, place.path, where, text))


def _object(text: str, name: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = loads(text) if len(text) <= LONGEST_SAID else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be the JSON text of an object, of at most {LONGEST_SAID} characters.")
    return value
