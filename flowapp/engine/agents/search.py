"""Whether an agent's model may search the web by itself, which is its provider's doing."""

from __future__ import annotations

from collections.abc import Mapping

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.agents.linked import Agent
from flowapp.engine.agents.settings import AgentSettings
from flowapp.models.searching import way_of
from flowapp.openflow.agents import SEARCHING, function_name, search_problem, tool_id, tool_type
from flowapp.openflow.walk import tools


def search_of(agent: Agent, settings: AgentSettings) -> str:
    """How the model is told that it may; "" where the agent has no such tool, or a step does not let it use that.

    Raises:
        AgentRefused: its provider has no such search.
    """
    enabled = settings.enabled
    listed = [(index, tool) for index, tool in enumerate(tools(agent.module)) if tool_type(tool) == "websearch"]
    if not any(
        enabled is None or {function_name(tool, index), tool_id(tool, index)} & enabled for index, tool in listed
    ):
        return ""
    provider = agent.given.get("provider")
    kind = provider.get("kind") if isinstance(provider, Mapping) else None
    problem = search_problem(kind)
    if problem is not None:
        raise AgentRefused(problem)
    return way_of(SEARCHING[str(kind)], settings.server.model)
