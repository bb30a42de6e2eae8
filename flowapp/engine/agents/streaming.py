"""What an agent streams while it works: a line of JSON for each piece of its answers and each call (openflow.md 11).

A run that goes on after a pause or on another server tells what is recorded from the beginning, each turn in one piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowapp.jsontext import dumps
from flowapp.models.turns import FunctionCall, Hear, Message

if TYPE_CHECKING:
    from flowapp.engine.ports import Models, OpenStep

MOST_STREAMED = 8_000_000
"""Characters; what an agent does after that is in its result only."""
_CUT = "\n… cut: no more of this is streamed."


class AgentStream:
    """Tells of one attempt, with the secrets of the run masked, also where the pieces of a text share one.

    Without a step nothing is told.
    """

    def __init__(self, models: Models, step: OpenStep | None) -> None:
        self._models = models
        self._step = step
        self._words = models.masked(lambda text: self._tell("token_delta", content=text))
        self._lines: list[str] = []
        self._room = MOST_STREAMED
        self._heard = False

    @property
    def text(self) -> str:
        """All that was streamed."""
        return "".join(self._lines)

    @property
    def hear(self) -> Hear | None:
        """What is told each piece of a turn as the model says it; None where nobody wants it in pieces."""
        return None if self._step is None else self._hear

    def _hear(self, text: str) -> None:
        self._heard = True
        self._words.write(text)

    def said(self, message: Message) -> None:
        """The turn is over, and was this; one that is recorded was not heard."""
        content = message.get("content")
        if content and not self._heard:
            self._hear(str(content))
        self.over()

    def called(self, call: FunctionCall) -> None:
        """The model wishes a call."""
        self._about("tool_call", call)
        self._about("tool_call_arguments", call, arguments=self._masked(call.arguments))

    def begins(self, call: FunctionCall) -> None:
        """The call begins."""
        self._about("tool_execution", call)

    def ended(self, call: FunctionCall, told: str, *, success: bool) -> None:
        """The call is over, and the model is told this."""
        self._about("tool_result", call, result=self._masked(told), success=success)

    def over(self) -> None:
        """There is no more of the turn."""
        self._heard = False
        self._words.close()

    def _about(self, kind: str, call: FunctionCall, **more: Any) -> None:
        self._tell(kind, call_id=call.id, function_name=call.name, **more)

    def _masked(self, text: str) -> str:
        parts: list[str] = []
        words = self._models.masked(parts.append)
        words.write(text)
        words.close()
        return "".join(parts)

    def _tell(self, kind: str, **more: Any) -> None:
        if self._step is None or self._room <= 0:
            return
        line = dumps({"type": kind, **more}) + "\n"
        self._room -= len(line)
        if self._room <= 0:
            line = dumps({"type": "token_delta", "content": _CUT}) + "\n"
        self._lines.append(line)
        self._step.stream(line)
