"""The conversation of an agent: the model's turns, and the calls that it wishes in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flowapp.engine.agents.arguments import first_problem
from flowapp.engine.agents.errors import BadArguments
from flowapp.engine.agents.settings import AgentSettings, as_sent
from flowapp.engine.agents.streaming import AgentStream
from flowapp.engine.errors import NOT_EXPANDED, error_value
from flowapp.engine.large import MADE_UP, makes_up_reference
from flowapp.engine.loops import side_by_side
from flowapp.engine.streams import STREAM_KEY
from flowapp.engine.values import Done, StepInfo
from flowapp.jsontext import dumps, loads
from flowapp.models.errors import ModelFailed
from flowapp.models.turns import ChatAnswer, ChatFunction, ChatRequest, FunctionCall, Message
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import Models
    from flowapp.engine.scope import Scope
    from flowapp.engine.steps import Try

MODEL = "model"
"""The step id under which turns are recorded, and their kind."""
MOST_CALLS = 64
"""Calls that one turn may ask for."""
LONGEST_TOLD = 100_000
"""Characters of a tool's result that the model is told."""


class Tool(Protocol):
    """Something that the model may call: a module, or a tool of an MCP server."""

    @property
    def id(self) -> str:
        """The step id under which calls are recorded."""

    @property
    def function(self) -> ChatFunction:
        """What the model is told of it."""

    async def call(self, interpreter: Interpreter, scope: Scope, arguments: str, place: str) -> Done:
        """Do it, recorded at `place` + `id`; what goes wrong with it is its result.

        Raises:
            BadArguments: the arguments do not fit.
        """

    def action(self, job: str, arguments: str) -> dict[str, Any]:
        """What clients are told of a call that is this job."""


@dataclass(slots=True)
class Conversation:
    """One attempt at an agent step. `history` is what was said after the opening, in the form that is kept."""

    interpreter: Interpreter
    work: Try
    models: Models
    settings: AgentSettings
    tools: Mapping[str, Tool]
    stream: AgentStream
    history: list[Message] = field(default_factory=list)
    _number: int = 0

    async def run(self) -> Done:
        """Talk until the model has nothing more to call; the result is `{output, messages}`."""
        most = self.interpreter.rules.most_turns
        most = min(self.settings.turns or most, most)
        for _ in range(most):
            turn = await self._turn()
            if turn.failed:
                return turn
            said: Message = loads(turn.value)
            self.history.append(said)
            self.stream.said(said)
            calls = [_call_of(call) for call in said.get("tool_calls") or ()]
            if not calls:
                return self._ended(str(said.get("content") or ""))
            if len(calls) > MOST_CALLS:
                return self._failed(f"The model asked for {len(calls)} calls at once; {MOST_CALLS} are the most.")
            self.history += await self._answers(calls)
        return self._failed(f"The agent did not finish within {most} turn{'' if most == 1 else 's'} of the model.")

    async def _turn(self) -> Done:
        """What the model says next: a recorded turn is not asked for again."""
        info = StepInfo(self._place() + MODEL, MODEL, MODEL, None, {"model": self.settings.server.model})
        journal = self.interpreter.ports.journal
        known = await journal.recall(info.path)
        if known is not None and known.finished:
            return Done(known.value, failed=known.status != "success")
        step = journal.open(info, 1, dumps({"messages": len(self.settings.opening) + len(self.history)}))
        try:
            answer = await self.models.chat(self.settings.server, self._request(), self.stream.hear)
        except ModelFailed as error:
            self.stream.over()
            text = f"{error.message} {error.hint}".strip()
            failed = Done(error_value(type(error).__name__, text, step_id=self.work.info.step_id), failed=True)
            await step.close("failure", failed.value)
            return failed
        done = Done(dumps(_message(answer)))
        notes = {
            **({"tokens": answer.tokens} if answer.tokens else {}),
            **({"searched": True} if answer.searched else {}),
        }
        await step.close("success", done.value, notes=notes or None)
        return done

    def _request(self) -> ChatRequest:
        settings = self.settings
        said = [as_sent(message) for message in self.history]
        return ChatRequest(
            messages=[*settings.opening, *said],
            functions=[tool.function for tool in self.tools.values()],
            schema=settings.schema,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            search=settings.search,
        )

    async def _answers(self, calls: Sequence[FunctionCall]) -> list[Message]:
        """The results of calls, in their order; side by side where the step says so."""
        places = [self._place() for _ in calls]
        found: list[Message] = []
        for call in calls:
            self.stream.called(call)

        async def one(index: int) -> Done:
            return Done(dumps(await self._streamed(calls[index], places[index])))

        if self.work.module["value"].get("parallel") and len(calls) > 1:
            most = self.interpreter.rules.most_parallel
            answers = await side_by_side(self.interpreter, len(calls), most, one)
            return [loads(answer.value) for answer in answers]
        for index in range(len(calls)):
            found.append(loads((await one(index)).value))
        return found

    async def _streamed(self, call: FunctionCall, place: str) -> Message:
        self.stream.begins(call)
        message, success = await self._answer(call, place)
        self.stream.ended(call, message["content"], success=success)
        return message

    async def _answer(self, call: FunctionCall, place: str) -> tuple[Message, bool]:
        """What the model is told of a call, and whether it went well. A tool's failure is its result: the model decides what to
        do about it.
        """
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(self.tools) or "none"
            return _told(call, _error(f"There is no function {call.name}. These can be called: {known}.")), False
        interpreter = self.interpreter
        try:
            done = await tool.call(interpreter, self.work.scope, call.arguments, place)
        except BadArguments as error:
            return _told(call, _error(error.message)), False
        try:
            text = await interpreter.ports.expand(done.value)
        except NOT_EXPANDED as error:
            return _told(call, _error(error.message)), False
        job = job_id(interpreter.run_id, place + tool.id)
        told = {**_told(call, loads(text)), "agent_action": tool.action(job, call.arguments)}
        return told, not done.failed

    def _place(self) -> str:
        """Where the next turn or call is recorded: they are numbered in the order in which they begin."""
        number, self._number = self._number, self._number + 1
        return f"{self.work.inner}/{number}:"

    def _ended(self, text: str) -> Done:
        output: Any = text
        if self.settings.schema is not None:
            try:
                output = json.loads(_unfenced(text))
            except ValueError:
                return self._failed("The model's answer is not JSON, as the output_schema asks.")
            wrong = first_problem(output, self.settings.schema)
            if wrong is not None:
                return self._failed(f"The model's answer does not fit the output_schema: {wrong}")
        streamed = {STREAM_KEY: self.stream.text} if self.stream.text else {}
        answer = dumps({"output": output, "messages": [*self.settings.shown, *self.history], **streamed})
        return self._failed(MADE_UP) if makes_up_reference(answer) else Done(answer)

    def _failed(self, message: str) -> Done:
        return Done(error_value("AgentError", message, step_id=self.work.info.step_id), failed=True)


def _message(answer: ChatAnswer) -> Message:
    said: Message = {"role": "assistant", "content": answer.text}
    if answer.calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    if answer.sources:
        said["annotations"] = list(answer.sources)
    if answer.searched:
        said["agent_action"] = {"type": "web_search"}
    return said


def _call_of(call: Mapping[str, Any]) -> FunctionCall:
    return FunctionCall(call["id"], call["function"]["name"], call["function"]["arguments"])


def _told(call: FunctionCall, value: Any) -> Message:
    text = value if isinstance(value, str) else dumps(value)
    if len(text) > LONGEST_TOLD:
        text = f"{text[:LONGEST_TOLD]}… ({len(text) - LONGEST_TOLD} more characters are left out)"
    return {"role": "tool", "tool_call_id": call.id, "content": text}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"name": "BadCall", "message": message}}


def _unfenced(text: str) -> str:
    """The text without the code fence that many models put around JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text
