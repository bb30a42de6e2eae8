"""Agents that are resources: a step takes its model, its words and its tools from one, and binds the inputs of the tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.values import Module
from flowapp.openflow.agents import OWN_INPUTS, agent_path, bound_tools

if TYPE_CHECKING:
    from flowapp.engine.ports import Models


@dataclass(frozen=True, slots=True)
class Agent:
    """What a step is to do: the values of its inputs, the same as they are kept, and its module with the tools in it."""

    given: Mapping[str, Any]
    kept: Mapping[str, Any]
    module: Module


async def agent_of(models: Models, module: Module, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Agent:
    """The agent of a step with these inputs: its own, or that of the resource which it names.

    The resource decides everything but the inputs of a step of its own, for which it may have defaults.

    Raises:
        AgentRefused: the resource is not there, or is no agent.
        FlowappError: the run's person may not read it, or what it names.
    """
    value = module["value"]
    path = agent_path(value)
    if not path:
        return Agent(given, kept, _with_tools(module, value.get("tools")))
    shared = await models.agent(path)
    if shared is None:
        raise AgentRefused(f"The agent {path} is not there: it is the path of a resource of the type ai_agent.")
    return Agent(
        {**shared.given, **_own(given)}, {**shared.kept, **_own(kept)}, _with_tools(module, list(shared.tools))
    )


def _own(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: inputs[name] for name in OWN_INPUTS if inputs.get(name) not in (None, "")}


def _with_tools(module: Module, listed: Any) -> Module:
    value = module["value"]
    return {**module, "value": {**value, "tools": bound_tools(listed, value.get("tool_inputs"))}}
