"""Whom an identity provider signs in here.

The first time by the email, if the provider vouches for it and somebody here has it; from then on by the provider's own name
for the person, so that an address that is given to somebody else later opens nothing. Whom nobody knows is refused, unless
the installation lets people join with a role, or they come with an invitation.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import Connection

from flowapp.access.errors import AccessError, ProviderFailed, SignInFailed
from flowapp.access.sessions import FIRST_WORKSPACE
from flowapp.access.tokens import same_token
from flowapp.store import audit, identities
from flowapp.store.errors import StoreError
from flowapp.store.tables import MemberRow, UserRow
from flowapp.workspace.context import Context
from flowapp.workspace.invitations import Invitations
from flowapp.workspace.members import EMAIL, new_user

if TYPE_CHECKING:
    from flowapp.access.oidc import Claims, Provider

MINUTES = 10
_SEALED_AT = "signin/oidc"


class SingleSignOn:
    """Use-cases of signing in by the provider of the settings. `name` is what people call it, "" where there is none."""

    def __init__(self, context: Context, invitations: Invitations) -> None:
        self._database = context.store.database
        self._sessions = context.sessions
        self._secrets = context.secrets
        self._invitations = invitations
        self._settings = context.settings.oidc
        self.name = self._settings.name if self._settings is not None else ""
        self._made: Provider | None = None

    async def begin(self, redirect_uri: str, next_page: str) -> tuple[str, str]:
        """Where to send the browser, and the sealed text that its cookie keeps meanwhile, for ten minutes.

        Raises:
            ProviderFailed: there is no provider, or it does not answer.
        """
        url, attempt = await self._provider().begin(redirect_uri)
        kept = {**asdict(attempt), "next": next_page, "until": time.time() + MINUTES * 60}
        return url, self._secrets.seal("", _SEALED_AT, json.dumps(kept))

    async def finish(
        self, redirect_uri: str, answer: dict[str, str], cookie: str, address: str, device: str
    ) -> tuple[str, str]:
        """Sign in whoever came back from the provider: a session's token, and the page that they wanted.

        Args:
            redirect_uri: the same as for `begin`.
            answer: the query of the address that the browser came back to.
            cookie: what `begin` gave it.
            address: where it is.
            device: what it is, in words.

        Raises:
            ProviderFailed: the provider refused, does not answer, or not as it should.
            SignInFailed: it is another browser, it took too long, or nobody here is this person.
            TooManyAttempts: too many failures from this address.
        """
        from flowapp.access.oidc import Attempt

        with self._sessions.attempt(address):
            kept = self._kept(cookie)
            if not same_token(answer.get("state", ""), str(kept["state"])):
                raise _began_elsewhere()
            if answer.get("error"):
                raise ProviderFailed(f"Not signed in: {answer['error'][:100]}.", "Begin again, or sign in another way.")
            attempt = Attempt(str(kept["state"]), str(kept["nonce"]), str(kept["verifier"]))
            provider = self._provider()
            claims = await provider.finish(redirect_uri, answer.get("code", ""), answer.get("iss", ""), attempt)
            next_page = str(kept["next"])
            invited = await self._is_invited(next_page, address)
            email = await self._database.write(lambda c: self._account(c, claims, invited, address))
            self._sessions.people_changed()
            self._sessions.rights_changed()
            return await self._sessions.open(email, address, device), next_page

    def _provider(self) -> Provider:
        if self._settings is None:
            raise SignInFailed("No provider is set up here.", "Sign in with your password, or with a token.")
        if self._made is None:
            from flowapp.access.oidc import Provider  # what most installations never need

            self._made = Provider(self._settings)
        return self._made

    def _kept(self, cookie: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self._secrets.open("", _SEALED_AT, cookie))
        except (StoreError, ValueError):
            raise _began_elsewhere() from None
        if kept["until"] < time.time():
            raise SignInFailed("Signing in took too long.", "Begin again.")
        return kept

    async def _is_invited(self, next_page: str, address: str) -> bool:
        """Whether they are on their way to an invitation that is good."""
        parts = urlsplit(next_page)
        token = parse_qs(parts.query).get("token", [""])[0]
        if parts.path != "/join" or not token:
            return False
        try:
            await self._invitations.look(token, address)
        except AccessError:
            return False
        return True

    def _account(self, connection: Connection, claims: Claims, invited: bool, address: str) -> str:
        """The email of the account that is theirs, made or bound where that may be."""
        user = identities.user_of_oidc(connection, claims.subject)
        if user is None:
            user = self._by_email(connection, claims, invited, address)
        if user.disabled:
            raise SignInFailed("This account is switched off.", "Ask an admin of the installation.")
        if not invited and not identities.workspaces_of(connection, user.email):
            self._join(connection, user, address)
        return user.email

    def _by_email(self, connection: Connection, claims: Claims, invited: bool, address: str) -> UserRow:
        if not EMAIL.match(claims.email) or not claims.verified:
            raise SignInFailed(
                f"{self.name} does not vouch for your email address.",
                "Confirm it there, or ask whoever runs it; then begin again.",
            )
        known = identities.users_by_email(connection, claims.email)
        if len(known) > 1 or (known and known[0].oidc is not None):
            raise SignInFailed(
                f"The account of {claims.email} here belongs to another account of {self.name}.",
                "Ask an admin of the installation.",
            )
        if known:
            return _bound(connection, known[0], claims, address)
        if not invited and not self._join_role:
            raise self._unknown(claims.email)
        user = new_user(connection, claims.email)
        user.name, user.oidc = claims.name, claims.subject
        identities.add_user(connection, user)
        _audited(connection, "", user.username, "user.create", user.email, "by single sign-on", address)
        return user

    def _join(self, connection: Connection, user: UserRow, address: str) -> None:
        if not self._join_role:
            raise self._unknown(user.email)
        identities.set_member(connection, MemberRow(workspace=FIRST_WORKSPACE, email=user.email, role=self._join_role))
        detail = f"{self._join_role}, by single sign-on"
        _audited(connection, FIRST_WORKSPACE, user.username, "member.join", user.username, detail, address)

    @property
    def _join_role(self) -> str:
        return self._settings.join_role if self._settings is not None else ""

    def _unknown(self, email: str) -> SignInFailed:
        return SignInFailed(
            f"Nobody here has the address {email}.", "Ask an admin to add you, or to send you an invitation."
        )


def _bound(connection: Connection, user: UserRow, claims: Claims, address: str) -> UserRow:
    """The account, from now on theirs by the provider's name for them.

    Where nobody had confirmed the email, whoever made the account may be somebody else: what they could get in with is gone.
    """
    changed: dict[str, object] = {"oidc": claims.subject}
    detail = ""
    if user.claimed:
        changed |= {"password": None, "claimed": False}
        identities.remove_all_tokens(connection, user.email)
        detail = "its password, sessions and tokens were of somebody unconfirmed, and are gone"
    identities.change_user(connection, user.email, **changed)
    _audited(connection, "", user.username, "user.bind", user.email, detail, address)
    return user


def _audited(
    connection: Connection, workspace: str, by: str, action: str, target: str, detail: str, address: str
) -> None:
    audit.add(connection, workspace=workspace, by=by, action=action, target=target, detail=detail, address=address)


def _began_elsewhere() -> SignInFailed:
    return SignInFailed("This sign-in was not begun in this browser.", "Begin again here.")
