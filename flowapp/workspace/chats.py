"""Conversations with flows that are chats (`chat_input_enabled`): each message is a run, and a memory id holds them together.

A conversation is nothing of its own: it is the runs that somebody started with the same memory id, so it is kept as long as they are.
Only who had it sees it as one; each of its runs is as open as any run of the flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import loads
from flowapp.store import chats
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.run_views import run_json

MOST_CONVERSATIONS = 50
MOST_MESSAGES = 100
_LONGEST_TITLE = 80
#: The input of a flow that a message becomes.
MESSAGE = "user_message"


class Chats:
    """Use-cases of the chat on a flow's run page."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def listing(self, identity: Identity, path: str) -> list[dict[str, Any]]:
        """One's own conversations with a flow, the latest first: `{"id", "title", "messages", "last_at"}`.

        Left out are those whose first run the identity may not read.
        """
        require(identity, "flow.read", guard.flow_target(identity, path))
        found = await self._store.database.read(
            lambda c: chats.listing(c, identity.workspace, path, identity.username, MOST_CONVERSATIONS)
        )
        found = [one for one in found if guard.may(identity, "run.read", guard.run_target(one.first))]
        args = await self._args([one.first for one in found])
        return [
            {
                "id": one.id,
                "title": _said(args.get(one.first.id))[:_LONGEST_TITLE],
                "messages": one.messages,
                "last_at": one.last_at,
            }
            for one in found
        ]

    async def messages(self, identity: Identity, path: str, conversation: str) -> dict[str, Any]:
        """`{"messages": [{"message", "run"}], "more"}`: the latest of one's own conversation, the oldest first.

        `message` is None where the run's arguments are deleted. A conversation that is not there has no messages: it may be one
        that begins. `more` says whether there are earlier ones.
        """
        require(identity, "flow.read", guard.flow_target(identity, path))
        rows = await self._store.database.read(
            lambda c: chats.messages(c, identity.workspace, path, identity.username, conversation, MOST_MESSAGES + 1)
        )
        readable = [row for row in rows if guard.may(identity, "run.read", guard.run_target(row))]
        shown = readable[-MOST_MESSAGES:]
        args = await self._args(shown)
        return {
            "messages": [{"message": _said(args.get(run.id)) or None, "run": run_json(run)} for run in shown],
            "more": len(readable) > len(shown),
        }

    async def _args(self, runs: list[RunRow]) -> dict[str, Any]:
        """The arguments of runs by id, without those that are deleted."""
        kept = [run for run in runs if not run.deleted]
        texts = await self._store.values.get_values({run.args for run in kept})
        return {run.id: loads(texts[run.args]) for run in kept if run.args in texts}


def _said(args: Any) -> str:
    message = args.get(MESSAGE) if isinstance(args, Mapping) else None
    return message if isinstance(message, str) else ""
