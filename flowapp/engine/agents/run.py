"""One attempt at an agent step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine import inputs, timeouts
from flowapp.engine.agents.conversation import Conversation
from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.agents.settings import settings_of
from flowapp.engine.agents.tools import module_tools
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.values import Attempt, Done
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, loads

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
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
    done = await timeouts.step(interpreter, work, lambda: _answered(interpreter, work, evaluated.args, kept))
    return done, step, None


async def _answered(interpreter: Interpreter, work: Try, args: JsonText, kept: JsonText) -> Done:
    models = interpreter.ports.models
    try:
        if models is None:
            raise AgentRefused("Models are not available here.")
        given = loads(await models.resolved(args))
        shown = loads(await interpreter.ports.expand(kept))
        settings = settings_of(given, shown)
        tools = await module_tools(interpreter, work.module, settings.enabled)
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        return Done(error_value("ExecutionErr", error.message, step_id=work.info.step_id), failed=True)
    named = {tool.function.name: tool for tool in tools}
    return await Conversation(interpreter, work, models, settings, named).run()
