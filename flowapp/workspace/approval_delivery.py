"""Sending the messages about requests for approval. A duty of the timer: no run waits for it.

A message is held while it is being sent, and counts as sent only afterwards: it arrives at least once, whoever is killed. What
cannot be sent is tried again later; why stands in the trail of its request.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from flowapp.access.approving import Asker
from flowapp.access.errors import AccessError
from flowapp.engine.timer import next_look
from flowapp.errors import FlowappError
from flowapp.jsontext import loads
from flowapp.net import AddressPolicy
from flowapp.net.errors import PolicyInvalid
from flowapp.notify import Mail, MailServer, NotSent, WebAddress, post_message, send_mail
from flowapp.settings import SettingsError
from flowapp.store import approval_messages
from flowapp.store.approval_messages import AT_ONCE
from flowapp.store.tables import ApprovalMessageRow
from flowapp.workspace.approval_requests import Request, Requests, request_path
from flowapp.workspace.approval_texts import Told, mail_text, subject_of, web_body
from flowapp.workspace.context import Context
from flowapp.workspace.run_secrets import RunSecrets

log = logging.getLogger(__name__)


def policy_of(allowed: str) -> AddressPolicy:
    """The addresses that FLOWAPP_ALLOWED_HOSTS allows.

    Raises:
        SettingsError: an entry of it cannot be read.
    """
    try:
        return AddressPolicy.parse(allowed)
    except PolicyInvalid as error:
        raise SettingsError(f"FLOWAPP_ALLOWED_HOSTS: {error.message}", error.hint) from None


class DeliverMessages:
    """Sends what is due."""

    name = "sending messages about approvals"

    def __init__(self, context: Context, requests: Requests, resources: RunSecrets) -> None:
        self._store = context.store
        self._sessions = context.sessions
        self._settings = context.settings
        self._policy = policy_of(context.settings.allowed_hosts)
        self._requests = requests
        self._resources = resources

    async def look(self, now: datetime) -> datetime:
        """Send what is due, all of it at once."""
        database = self._store.database
        found = await database.read(lambda c: approval_messages.due(c, now))
        if found:
            held = await database.write(lambda c: [one for one in found if approval_messages.hold(c, one, now)])
            await asyncio.gather(*(self._deliver(one) for one in held))
        following = await database.read(approval_messages.next_due)
        return next_look(now, now if len(found) == AT_ONCE else following)

    async def _deliver(self, message: ApprovalMessageRow) -> None:
        error = ""
        try:
            await self._send(message)
        except FlowappError as refused:
            error = f"{refused.message} {refused.hint}".strip()
        except Exception:
            log.exception("a message about an approval could not be sent")
            error = "The server could not send it; its log says why."

        def work(connection: Connection) -> None:
            if error:
                approval_messages.refused(connection, message.id, error, datetime.now(UTC))
            else:
                approval_messages.sent(connection, message.id)
            self._store.approvals.told(connection, message.run_id, message.path)

        await self._store.database.write(work)

    async def _send(self, message: ApprovalMessageRow) -> None:
        """Read the resource with the rights of whoever named it, and send.

        Raises:
            FlowappError: it could not be sent; says why.
        """
        request = await self._request(message)
        if request is None:
            return  # the run is gone: nobody is to answer any more
        person = await self._sessions.identity_named(message.as_user, message.workspace)
        try:
            text = await self._resources.value(person, "resource", message.resource)
        except AccessError:
            text = None
        value = loads(text) if text is not None else None
        if not isinstance(value, dict):
            raise NotSent(f"{message.as_user} may use no resource {message.resource}.", "Is its path right?")
        if value.get("host"):
            await self._mail(message, request, MailServer.of(value))
        else:
            await self._post(message, request, WebAddress.of(value))

    async def _mail(self, message: ApprovalMessageRow, request: Request, server: MailServer) -> None:
        if not message.recipient:
            raise NotSent("This message has nobody to go to.", "Name addresses, members or groups in to.")
        # of the moment of the message and not of now: one that is sent twice holds the same link twice
        since = datetime.fromisoformat(message.created_at)
        link = self._requests.own_link(request, "mail", message.resume_id, since, message.recipient)
        told = Told(message.reason, request, f"{self._settings.base_url}{link.page}", personal=True)
        mail = Mail(message.recipient, subject_of(told), mail_text(told), message.id)
        await send_mail(server, mail, self._policy)

    async def _post(self, message: ApprovalMessageRow, request: Request, address: WebAddress) -> None:
        # a channel is not one person: its link decides for nobody, and leads those who are signed in to their own page
        url = f"{self._settings.base_url}{request_path(message.workspace, request.job_id)}"
        told = Told(message.reason, request, url, personal=False)
        await post_message(address, web_body(told), self._policy)

    async def _request(self, message: ApprovalMessageRow) -> Request | None:
        run = await self._store.runs.get(message.run_id)
        wait = await self._store.database.read(lambda c: self._store.approvals.get(c, message.run_id, message.path))
        return None if run is None or wait is None else await self._requests.of_wait(run, wait, Asker(None))
