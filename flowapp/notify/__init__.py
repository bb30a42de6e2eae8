"""Messages to people: an e-mail through a mail server, a request to a web address. Knows no flows."""

from __future__ import annotations

from flowapp.notify.errors import NotSent
from flowapp.notify.mail import Mail, MailServer, send_mail
from flowapp.notify.web import WebAddress, post_message

__all__ = ["Mail", "MailServer", "NotSent", "WebAddress", "post_message", "send_mail"]
