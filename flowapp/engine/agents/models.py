"""Models as one run reaches them: its references replaced, over connections that the address policy allows."""

from __future__ import annotations

from flowapp.engine.leaves import Leaves
from flowapp.jsontext import JsonText
from flowapp.models.chat import ChatAnswer, ChatRequest, ChatServer, chat
from flowapp.net import AddressPolicy


class RunModels:
    """See `ports.Models`."""

    def __init__(self, leaves: Leaves, policy: AddressPolicy) -> None:
        self._leaves = leaves
        self._policy = policy

    async def resolved(self, args: JsonText) -> JsonText:
        """See `ports.Models`."""
        return await self._leaves.resolved(args)

    async def chat(self, server: ChatServer, request: ChatRequest) -> ChatAnswer:
        """See `ports.Models`."""
        return await chat(server, request, self._policy)
