"""One attempt at an agent step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowapp.engine import inputs, timeouts
from flowapp.engine.agents.conversation import Conversation, Tool
from flowapp.engine.agents.drawing import drawn
from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.agents.linked import agent_of
from flowapp.engine.agents.mcp import mcp_tools
from flowapp.engine.agents.opening import opened
from flowapp.engine.agents.search import search_of
from flowapp.engine.agents.settings import settings_of
from flowapp.engine.agents.streaming import AgentStream
from flowapp.engine.agents.tools import module_tools
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.values import Attempt, Done
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, loads
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import OpenStep
    from flowapp.engine.steps import Try


async def run(interpreter: Interpreter, work: Try) -> Attempt:
    """Let the model answer, with what it calls meanwhile. Whatever keeps it from answering is the step's error.

    Raises:
        Parked: a tool waits, and nothing else of the run goes on.
    """
    journal = interpreter.ports.journal
    evaluated = await inputs.of_attempt(interpreter, work)
    if isinstance(evaluated, Done):
        return evaluated, journal.open(work.info, work.attempt, None), None
    kept = evaluated.kept or evaluated.args
    step = journal.open(work.info, work.attempt, kept)
    await step.save()
    await step.begins()
    done = await timeouts.step(interpreter, work, lambda: _answered(interpreter, work, evaluated.args, kept, step))
    return done, step, None


async def _answered(interpreter: Interpreter, work: Try, args: JsonText, kept: JsonText, open_step: OpenStep) -> Done:
    models = interpreter.ports.models
    try:
        if models is None:
            raise AgentRefused("Models are not available here.")
        given = loads(await models.resolved(args))
        shown = loads(await interpreter.ports.expand(kept))
        job = job_id(interpreter.run_id, work.info.path)
        step = f"{interpreter.frame.path}:{work.info.step_id}"
        agent = await agent_of(models, work.module, given, shown)
        settings = await opened(models, settings_of(agent.given, agent.kept), step, job)
        settings = replace(settings, search=search_of(agent, settings))
        tools: list[Tool] = [*await module_tools(interpreter, agent.module, settings.enabled)]
        tools += await mcp_tools(models, agent.module, settings.enabled)
        named = _by_name(tools)
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        return Done(error_value("ExecutionErr", error.message, step_id=work.info.step_id), failed=True)
    if settings.draws:
        return await drawn(interpreter, work, models, settings)
    stream = AgentStream(models, open_step if settings.streaming else None)
    conversation = Conversation(interpreter, work, models, settings, named, stream)
    done = await conversation.run()
    if settings.memory is not None and not done.failed:
        said = [*settings.shown, *conversation.history]
        await models.remember(settings.memory, step, job, said)
    return done


def _by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    found: dict[str, Tool] = {}
    for tool in tools:
        name = tool.function.name
        if name in found:
            raise AgentRefused(f"Two tools are called {name}. Rename one, or leave it out with exclude_tools.")
        found[name] = tool
    return found
