"""Which model answers in a workspace: what its admins have set, and the server's environment where they have not.

It is read from the database for each question, and the client is opened for that question alone: a change counts at once, on
every server, and nobody's old key or address is kept.

Whoever runs the server trusts the address in its environment. An address of a workspace's admin is called like any other that
people type (`net`): public ones, and those of FLOWAPP_ALLOWED_HOSTS. One that an admin of the whole server has set may be private.
The environment's key goes to the environment's address, and nowhere else.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from flowapp.models import DEFAULT_BASE_URL, DEFAULT_MODEL, ModelClient, ModelSettings
from flowapp.net import AddressPolicy
from flowapp.settings import Settings
from flowapp.store import model_settings
from flowapp.store.model_settings import KEY_PATH, StoredModel
from flowapp.workspace.context import Context

Role = Literal["connect", "edit"]
#: What a model is asked for: expressions for inputs; and edits, answers and explanations.
ROLES: Mapping[Role, str] = {"connect": "connecting inputs", "edit": "changes and explanations"}

NO_MODEL = (
    "No model is configured. An admin of the workspace can choose one on the page Settings; "
    "OPENAI_API_KEY or OPENAI_BASE_URL sets one for the whole server."
)
SWITCHED_OFF = "The model is switched off in this workspace. Its admins can switch it on, on the page Settings."


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model of a role, or why there is none: then `settings` is None, and `why_not` a sentence."""

    settings: ModelSettings | None
    policy: AddressPolicy
    why_not: str = ""

    @classmethod
    def nobody(cls) -> ModelChoice:
        """No model, because none was wished for."""
        return cls(None, AddressPolicy())

    @property
    def name(self) -> str | None:
        """What the model is called."""
        return self.settings.model if self.settings else None

    @property
    def server(self) -> str | None:
        """The host (and port) that is asked."""
        return urlsplit(self.settings.base_url).netloc.rpartition("@")[2] if self.settings else None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ModelClient | None]:
        """A client for a question; None where there is no model."""
        if self.settings is None:
            yield None
            return
        await asyncio.to_thread(importlib.import_module, "openai")  # half a second, the first time
        client = ModelClient(self.settings, self.policy)
        try:
            yield client
        finally:
            await client.close()


class AssistantModels:
    """The models of all workspaces."""

    def __init__(self, context: Context) -> None:
        """Look at the server's own address.

        Raises:
            PolicyInvalid: OPENAI_BASE_URL is no address of a server.
        """
        self._database = context.store.database
        self._box = context.secrets
        self._server = context.settings
        if self._server.openai_base_url:
            AddressPolicy().allowing_url(self._server.openai_base_url)

    async def choice(self, workspace: str, role: Role) -> ModelChoice:
        """The model that answers for a role.

        Raises:
            SecretUnreadable: the key was encrypted with another one than this server has.
        """
        stored = await self._database.read(lambda c: model_settings.of(c, workspace))
        key = self._box.open(workspace, KEY_PATH, stored.sealed_key) if stored.sealed_key else ""
        return chosen(stored, key, self._server, role)


def chosen(stored: StoredModel, key: str, server: Settings, role: Role) -> ModelChoice:
    """The model of a role, by what a workspace says (`key` is its own in clear) and the environment of the server."""
    policy = AddressPolicy.parse(server.allowed_hosts)
    if server.openai_base_url:
        policy = policy.allowing_url(server.openai_base_url)
    if not stored.enabled:
        return ModelChoice(None, policy, SWITCHED_OFF)
    if not stored.base_url and not key and not server.openai_base_url and not server.openai_api_key:
        return ModelChoice(None, policy, NO_MODEL)
    if stored.base_url and stored.private:
        policy = policy.allowing_url(stored.base_url)
    settings = ModelSettings(
        model=stored.models.get(role) or server.openai_model or DEFAULT_MODEL,
        key=key if stored.base_url else key or server.openai_api_key,
        base_url=stored.base_url or server.openai_base_url or DEFAULT_BASE_URL,
        message_tokens=stored.message_tokens,
    )
    return ModelChoice(settings, policy)
