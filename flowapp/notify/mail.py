"""E-mail through an SMTP server, as a resource describes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Literal

import aiosmtplib

from flowapp.net import AddressPolicy, NetError, connect
from flowapp.notify.errors import NotSent

TIMEOUT_S = 20.0
_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")
Security = Literal["tls", "starttls", "none"]
_PORTS: dict[Security, int] = {"tls": 465, "starttls": 587, "none": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `security`: TLS from the start, STARTTLS, or none at all."""

    host: str
    port: int
    sender: str
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> MailServer:
        """The server that a resource `{host, port, user, password, from, security}` describes.

        Without `security`, port 465 means TLS from the start, and any other one STARTTLS. Without `from`, `user` is the sender.

        Raises:
            NotSent: something is missing or not right; says what.
        """
        host, user, password = (_text(value, name) for name in ("host", "user", "password"))
        if not host:
            raise NotSent("The mail server's resource has no host.", "It is {host, port, user, password, from}.")
        port = value.get("port")
        if isinstance(port, str) and port.isascii() and port.isdigit():
            port = int(port)
        if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536):
            raise NotSent("The mail server's port is no number from 1 to 65535.")
        said = value.get("security") or ("tls" if port == 465 else "starttls")
        security = next((one for one in _PORTS if one == said), None)
        if security is None:
            raise NotSent("The mail server's security must be tls, starttls or none.")
        sender = _text(value, "from") or user
        if not _ADDRESS.fullmatch(sender):
            raise NotSent("The mail server's resource has no sender.", "Set from to an e-mail address.")
        return cls(host, port or _PORTS[security], sender, security, user, password)


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail in plain text. `id` names it, so that a mailbox can tell a copy that was sent twice."""

    to: str
    subject: str
    text: str
    id: str


async def send_mail(server: MailServer, mail: Mail, policy: AddressPolicy) -> None:
    """Hand in an e-mail; it has been taken when this returns.

    Raises:
        NotSent: it was not; says why.
    """
    if not _ADDRESS.fullmatch(mail.to):
        raise NotSent(f"{mail.to[:100]!r} is not an e-mail address.")
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            await _hand_in(server, _message(server, mail), policy)
    except NetError as error:
        raise NotSent(error.message, error.hint) from None
    except TimeoutError:
        raise NotSent(f"The mail server {server.host} does not answer in time.") from None
    except aiosmtplib.SMTPAuthenticationError:
        raise NotSent(f"The mail server {server.host} does not take this user and password.") from None
    except aiosmtplib.SMTPResponseException as error:
        raise NotSent(f"The mail server {server.host} answered {error.code}: {_line(error.message)}") from None
    except aiosmtplib.SMTPRecipientsRefused:
        raise NotSent(f"The mail server {server.host} takes no mail for {mail.to}.") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise NotSent(f"The mail server {server.host} took no mail: {_line(str(error))}") from None


async def _hand_in(server: MailServer, message: EmailMessage, policy: AddressPolicy) -> None:
    made = await connect(policy, server.host, server.port, TIMEOUT_S)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=None,
        sock=made,
        timeout=TIMEOUT_S,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
    )
    try:
        await client.connect()
        if server.user and server.password:
            await client.login(server.user, server.password)
        await client.send_message(message)
        await client.quit()
    finally:
        client.close()
        made.close()


def _message(server: MailServer, mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = server.sender, mail.to
    message["Subject"] = _line(mail.subject)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(mail.id, domain=server.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found.strip() if isinstance(found, str) else ""
