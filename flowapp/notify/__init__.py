"""Messages to people: an e-mail through a mail server, a request to a web address, a message in a chat. Knows no flows."""

from __future__ import annotations

from flowapp.notify.chat import ChatMessage, Slack, send_to_slack, send_to_teams
from flowapp.notify.errors import NotSent
from flowapp.notify.mail import Mail, MailServer, send_mail
from flowapp.notify.web import WebAddress, post_message

__all__ = [
    "ChatMessage",
    "Mail",
    "MailServer",
    "NotSent",
    "Slack",
    "WebAddress",
    "post_message",
    "send_mail",
    "send_to_slack",
    "send_to_teams",
]
