"""Messages in chats with buttons that are links: Slack by its API with an app's token, Teams by a channel's incoming webhook."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from flowapp.net import AddressPolicy, NetError, open_client
from flowapp.notify.errors import NotSent
from flowapp.notify.web import TIMEOUT_S, WebAddress, is_web_address, post_message

SLACK_API = "https://slack.com/api"
_LONGEST_ANSWER = 64 << 10
_CODE = re.compile(r"[a-z_]{1,60}")
_LONGEST_TEXT = 2900
_LONGEST_BUTTON = 70


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What is said: `text` as whoever asked wrote it, `lines` below it, and buttons (label, address) that open pages."""

    text: str
    lines: Sequence[str]
    buttons: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Slack:
    """A Slack app's token, and where the API is (GovSlack has an address of its own)."""

    token: str = field(repr=False)
    api_url: str = SLACK_API

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Slack:
        """What a resource `{token, api_url?}` describes.

        Raises:
            NotSent: it has no usable token or address.
        """
        token, url = value.get("token"), value.get("api_url") or SLACK_API
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
            raise NotSent("The Slack resource has no usable token.", "It needs the token of a Slack app: xoxb-….")
        if not is_web_address(url):
            raise NotSent("The api_url of the Slack resource is no web address.", "Leave it out for slack.com.")
        return cls(token, str(url).rstrip("/"))


async def send_to_slack(slack: Slack, channel: str, message: ChatMessage, policy: AddressPolicy) -> None:
    """Post a message to a channel; it is there when this returns.

    Raises:
        NotSent: it was not taken; says why, with Slack's own word for it.
    """
    body = {"channel": channel, "text": message.text, "blocks": _blocks(message), "unfurl_links": False}
    client = open_client(policy, timeout_s=TIMEOUT_S, max_bytes=_LONGEST_ANSWER)
    headers = {"authorization": f"Bearer {slack.token}"}
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            answer = await client.post(f"{slack.api_url}/chat.postMessage", json=body, headers=headers)
    except NetError as error:
        raise NotSent(error.message, error.hint) from None
    except TimeoutError:
        raise NotSent("Slack does not answer in time.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotSent(f"Slack cannot be reached ({type(error).__name__}).") from None
    finally:
        await client.aclose()
    if answer.status_code != 200:
        raise NotSent(f"Slack answered {answer.status_code}.")
    said = _parsed(answer.content)
    if said.get("ok") is not True:
        code = str(said.get("error") or "")
        raise NotSent(f"Slack did not take the message: {code if _CODE.fullmatch(code) else 'it did not say why'}.")


async def send_to_teams(address: WebAddress, message: ChatMessage, policy: AddressPolicy) -> None:
    """Post a message to the incoming webhook of a Teams channel.

    Raises:
        NotSent: it was not taken; says why.
    """
    texts = [message.text, *message.lines]
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text[:_LONGEST_TEXT], "wrap": True} for text in texts],
        "actions": [
            {"type": "Action.OpenUrl", "title": label[:_LONGEST_BUTTON], "url": url} for label, url in message.buttons
        ],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    body = {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}
    await post_message(address, body, policy)


def _blocks(message: ChatMessage) -> list[dict[str, Any]]:
    text = {"type": "section", "text": {"type": "mrkdwn", "text": message.text[:_LONGEST_TEXT]}}
    lines = [{"type": "mrkdwn", "text": _escaped(line)[:_LONGEST_TEXT]} for line in message.lines]
    buttons = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": label[:_LONGEST_BUTTON]},
            "url": url,
            "action_id": f"open_{number}",
        }
        for number, (label, url) in enumerate(message.buttons)
    ]
    context = [{"type": "context", "elements": lines[:10]}] if lines else []
    return [text, *context, {"type": "actions", "elements": buttons}]


def _escaped(text: str) -> str:
    """Slack reads these three as marks of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        said = orjson.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
