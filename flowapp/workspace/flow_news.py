"""What is told to everybody who has a draft of a flow open, on all servers.

Drafts are their owners' alone; the flow that they were made of is what their owners share. It has a topic of events, which
whoever may read the flow hears together with the topic of their draft (`streams.py`).
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.store import identities
from flowapp.store.events import Event, Events
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace import guard

TOPIC = "flow:"


def place(workspace: str, path: str) -> str:
    """A flow by one text. A workspace's id has no colon in it."""
    return f"{workspace}:{path}"


def topic(workspace: str, path: str) -> str:
    """The topic of the events of a flow."""
    return f"{TOPIC}{place(workspace, path)}"


def topic_for(identity: Identity, path: str, deployed_version: int | None) -> str | None:
    """The topic of the flow that a draft comes from; None where there is none, and for who may not know of the flow."""
    if deployed_version is None or not guard.may(identity, "flow.read", guard.flow_target(identity, path)):
        return None
    return topic(identity.workspace, path)


def tell_deployed(connection: Connection, events: Events, version: FlowVersionRow) -> None:
    """Inside the write of a version: those who have a draft of the flow open hear of it."""
    by = version.created_by
    name = identities.names(connection, [by]).get(by, by)
    said = {"path": version.path, "version": version.version, "by": by, "name": name}
    events.after_commit(Event(topic(version.workspace, version.path), "deployed", said))
