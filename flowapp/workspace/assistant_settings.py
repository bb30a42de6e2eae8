"""Which model a workspace asks. Only its admins look at that and change it; the key is taken, and never given back."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from flowapp.access.identity import INSTANCE, Identity
from flowapp.access.policy import Target, require
from flowapp.models import DEFAULT_BASE_URL, DEFAULT_MODEL, ModelFailed
from flowapp.store import audit, identities, model_settings
from flowapp.store.model_settings import KEY_PATH, StoredModel
from flowapp.workspace import guard
from flowapp.workspace.assistant_models import ROLES, Role, chosen
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import flag_in, text_in

LEAST_TOKENS = 1000
MOST_TOKENS = 1_000_000
_LONGEST_KEY = 4000
_LONGEST = 500
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_TINY = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


class AssistantSettings:
    """Use-cases about the model of a workspace."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._box = context.secrets
        self._server = context.settings

    async def read(self, identity: Identity) -> dict[str, Any]:
        """What is set: `{"enabled", "base_url", "key_set", "private", "models": {role: name}, "message_tokens", "by", "defaults"}`.

        Empty texts and null leave it to the server; `defaults` is what that has: `{"base_url", "key_set", "model"}`.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))
        return self._shown(await self._database.read(lambda c: model_settings.of(c, identity.workspace)))

    async def change(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set what the body names, of `{"enabled", "base_url", "key", "models": {role: name}, "message_tokens"}`; the rest stays.

        An empty or missing text, or null, leaves it to the server again. A key belongs to its server: it is forgotten when
        the address becomes that of another one.

        Raises:
            BadRequest: a value cannot be used.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))

        def work(connection: Connection) -> StoredModel:
            identities.lock_workspace(connection, identity.workspace)
            before = model_settings.of(connection, identity.workspace)
            after = replace(self._changed(identity, before, body), by=identity.username)
            model_settings.change(connection, identity.workspace, after)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="workspace.assistant_model",
                target=identity.workspace,
                detail=_told(before, after),
            )
            return after

        return self._shown(await self._database.write(work))

    async def test(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the model of a role one tiny question: `{"ok", "message", "hint", "model", "server", "ms", "tokens"}`.

        The body has the role (edit where it is missing), and may have settings like those of `change`, which are tried and not stored.

        Raises:
            BadRequest: there is no such role, or a value cannot be used.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))
        role = _role(text_in(body, "role", "edit", limit=_LONGEST))
        before = await self._database.read(lambda c: model_settings.of(c, identity.workspace))
        model = self._changed(identity, before, body)
        key = self._box.open(identity.workspace, KEY_PATH, model.sealed_key) if model.sealed_key else ""
        choice = chosen(model, key, self._server, role)
        began = time.monotonic()
        ok, message, hint, tokens = False, choice.why_not, "", None
        async with choice.client() as client:
            if client is not None:
                try:
                    answer = await client.told("You are tested.", "Answer with the word yes.", _TINY, "test", 500)
                    ok, message, tokens = True, "The model answers.", answer.tokens
                except ModelFailed as failure:
                    message, hint = failure.message, failure.hint
        ms = round((time.monotonic() - began) * 1000)
        about = {"model": choice.name, "server": choice.server, "ms": ms, "tokens": tokens}
        return {"ok": ok, "message": message, "hint": hint, **about}

    def _changed(self, identity: Identity, before: StoredModel, body: Mapping[str, Any]) -> StoredModel:
        after = before
        if "enabled" in body:
            after = replace(after, enabled=flag_in(body, "enabled", default=True))
        if "base_url" in body:
            base_url = _address(text_in(body, "base_url", limit=_LONGEST).strip())
            if _server_of(base_url) != _server_of(before.base_url):
                after = replace(after, sealed_key="")
            if base_url != before.base_url:
                after = replace(after, base_url=base_url, private=bool(base_url) and _runs_the_server(identity))
        if "key" in body:
            key = text_in(body, "key", limit=_LONGEST_KEY).strip()
            if not key.isascii() or not key.isprintable():
                raise BadRequest("The key has characters that no key has.", "Copy it again.")
            sealed = self._box.seal(identity.workspace, KEY_PATH, key) if key else ""
            after = replace(after, sealed_key=sealed)
        if "models" in body:
            after = replace(after, models={**after.models, **_models(body["models"])})
        if "message_tokens" in body:
            after = replace(after, message_tokens=_tokens(body["message_tokens"]))
        return after

    def _shown(self, model: StoredModel) -> dict[str, Any]:
        server = self._server
        base_url = urlsplit(server.openai_base_url or DEFAULT_BASE_URL)
        return {
            "enabled": model.enabled,
            "base_url": model.base_url,
            "key_set": bool(model.sealed_key),
            "private": model.private,
            "models": {role: model.models.get(role, "") for role in ROLES},
            "message_tokens": model.message_tokens,
            "by": model.by,
            "defaults": {
                "base_url": base_url._replace(netloc=base_url.netloc.rpartition("@")[2], query="").geturl(),
                "key_set": bool(server.openai_api_key),
                "model": server.openai_model or DEFAULT_MODEL,
                "configured": bool(server.openai_api_key or server.openai_base_url),
            },
        }


def _runs_the_server(identity: Identity) -> bool:
    """Whether it is a person who may manage the whole installation: they decide what private addresses it calls."""
    instance = replace(identity, workspace=INSTANCE)
    return not identity.job and guard.may(instance, "instance.manage", Target(INSTANCE, "workspace"))


def _server_of(base_url: str) -> tuple[str, str]:
    """Where a key goes: scheme, and host with port."""
    parts = urlsplit(base_url)
    return parts.scheme, parts.netloc.lower()


def _address(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise BadRequest(
            f"{text[:100]!r} is not the address of a server.",
            "It looks like https://api.example.com/v1 or http://localhost:11434/v1; a key has a field of its own.",
        )
    try:
        parts = urlsplit(text)
        if text and (not parts.hostname or parts.port == 0):
            raise ValueError
    except ValueError:
        raise BadRequest(f"{text[:100]!r} is not the address of a server.", "Look at its host and port.") from None
    return text.rstrip("/")


def _models(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise BadRequest("models must be names by role.", 'Send {"models": {"connect": "…", "edit": "…"}}.')
    return {_role(str(role)): text_in(value, role, limit=200).strip() for role in value}


def _role(text: str) -> Role:
    found = next((role for role in ROLES if role == text), None)
    if found is None:
        raise BadRequest(f"There is no role {text[:60]!r}.", f"Use one of {', '.join(ROLES)}.")
    return found


def _tokens(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST_TOKENS <= value <= MOST_TOKENS:
        raise BadRequest(
            f"message_tokens must be a whole number from {LEAST_TOKENS} to {MOST_TOKENS}.", "null is no limit."
        )
    return value


def _told(before: StoredModel, after: StoredModel) -> str:
    """The change for the audit trail: where questions go from now on, and what else differs. Never the key."""
    said = []
    if before.enabled != after.enabled:
        said.append("on" if after.enabled else "off")
    if before.base_url != after.base_url:
        said.append(f"address {after.base_url or 'of the server'}")
    if before.sealed_key != after.sealed_key:
        said.append("a new key" if after.sealed_key else "no key")
    said += [
        f"{role}: {after.models.get(role) or 'default'}"
        for role in ROLES
        if before.models.get(role, "") != after.models.get(role, "")
    ]
    if before.message_tokens != after.message_tokens:
        said.append(f"{after.message_tokens or 'no limit of'} tokens per message")
    return ", ".join(said) or "nothing"
