"""An agent whose answer is a picture: one request, and a stored file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine.agents.conversation import MODEL
from flowapp.engine.agents.settings import AgentSettings
from flowapp.engine.errors import error_value
from flowapp.engine.values import Done, StepInfo
from flowapp.errors import FlowappError
from flowapp.jsontext import dumps, loads
from flowapp.models.errors import ModelFailed

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import Models
    from flowapp.engine.steps import Try


async def drawn(interpreter: Interpreter, work: Try, models: Models, settings: AgentSettings) -> Done:
    """`{"output": {"s3": key}, "messages"}`. A picture that is recorded is not asked for again."""
    info = StepInfo(f"{work.inner}/0:{MODEL}", MODEL, MODEL, None, {"model": settings.server.model})
    journal = interpreter.ports.journal
    known = await journal.recall(info.path)
    if known is not None and known.finished:
        if known.status != "success":
            return Done(known.value, failed=True)
        return _answer(settings, known.value)
    step = journal.open(info, 1, dumps({"messages": 1}))
    prompt = "\n\n".join(filter(None, (settings.system, settings.question)))
    try:
        picture = await models.picture(settings.server, prompt)
        kept = dumps(await models.keep(picture.content, picture.extension))
    except ModelFailed as error:
        failed = _failed(work, type(error).__name__, f"{error.message} {error.hint}".strip())
    except FlowappError as error:
        failed = _failed(work, "ExecutionErr", error.message)
    else:
        await step.close("success", kept)
        return _answer(settings, kept)
    await step.close("failure", failed.value)
    return failed


def _failed(work: Try, name: str, message: str) -> Done:
    return Done(error_value(name, message, step_id=work.info.step_id), failed=True)


def _answer(settings: AgentSettings, kept: str) -> Done:
    return Done(dumps({"output": loads(kept), "messages": list(settings.shown)}))
