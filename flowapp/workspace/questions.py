"""A question to a model about a flow: what would be sent, the answer at once, or the answer as it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from flowapp.assistant.answers import Edit
from flowapp.assistant.edits import Request, help_with
from flowapp.models import ModelFailed, estimated
from flowapp.notebook.codec import encode
from flowapp.workspace.assistant_models import ModelChoice
from flowapp.workspace.new_drafts import new_cell_id
from flowapp.workspace.redaction import HIDDEN

CUT = "Code that held a secret was left out: the model did not see it whole. Use a variable instead of writing a secret down."
#: So often something is sent while the model is silent, so that nobody takes the connection for dead.
PING_S = 10.0


class Questions:
    """Those whose answers are on their way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()

    def begin(self, question: Question, hear: Callable[[str], None]) -> asyncio.Task[dict[str, Any]]:
        """Ask in the background."""
        task = asyncio.get_running_loop().create_task(question.answer(hear))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(self) -> None:
        """Give all of them up."""
        for task in tuple(self._tasks):
            task.cancel()


class Question:
    """What is asked, and of which model."""

    def __init__(self, request: Request, choice: ModelChoice, asked: Questions) -> None:
        self._request = request
        self._choice = choice
        self._asked = asked

    def shown(self) -> dict[str, Any]:
        """Everything that would be sent, to whom, and about how much it is: `{"sent", "model", "server", "tokens"}`."""
        sent = f"{self._request.system}\n\n{self._request.question}"
        return {"sent": sent, "model": self._choice.name, "server": self._choice.server, "tokens": estimated(sent)}

    async def answer(self, hear: Callable[[str], None] | None = None) -> dict[str, Any]:
        """`{"message", "proposals", "notice", "model", "tokens", "ms"}`; a model that fails is told in `notice`.

        A proposal is `{"label", "why", "step", "before", "after", "language", "inputs", "problems", "ops"}`. With `hear` the message is
        told while it grows, and is not checked then. `tokens` is None where the server does not tell them.
        """
        began = time.monotonic()
        found: dict[str, Any] = {"message": "", "proposals": [], "notice": self._choice.why_not, "tokens": None}
        async with self._choice.client() as client:
            if client is not None:
                try:
                    given = await help_with(client, self._request, new_cell_id, hear)
                except ModelFailed as failure:
                    found["notice"] = f"{failure.message} {failure.hint}".strip()
                else:
                    whole = [edit for edit in given.edits if HIDDEN not in (edit.after or "")]
                    notice = given.notice if len(whole) == len(given.edits) else f"{CUT} {given.notice or ''}".strip()
                    proposals = [_shown(edit) for edit in whole]
                    found = {"message": given.message, "proposals": proposals, "notice": notice, "tokens": given.tokens}
        return {**found, "model": self._choice.name, "ms": round((time.monotonic() - began) * 1000)}

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The answer as it grows: `{"type": "text", "text"}` for what the message has more, at last `{"type": "answer", …}`.

        `{"type": "ping"}` says in between that the model is at work. Whoever stops reading stops the model. The server's end ends it early.
        """
        heard: asyncio.Queue[str | None] = asyncio.Queue()
        task = self._asked.begin(self, heard.put_nowait)
        task.add_done_callback(lambda _: heard.put_nowait(None))
        try:
            while (piece := await _next(heard)) is not None:
                yield {"type": "text", "text": piece} if piece else {"type": "ping"}
            if not task.cancelled():
                yield {"type": "answer", **task.result()}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _next(heard: asyncio.Queue[str | None]) -> str | None:
    """What has come, joined where it came faster than it is sent; "" after a silence, None at the end."""
    try:
        async with asyncio.timeout(PING_S):
            piece = await heard.get()
    except TimeoutError:
        return ""
    while piece is not None and not heard.empty():
        more = heard.get_nowait()
        if more is None:
            heard.put_nowait(None)
            break
        piece += more
    return piece


def _shown(edit: Edit) -> dict[str, Any]:
    return {
        "label": edit.label,
        "why": edit.why,
        "step": edit.step,
        "before": edit.before,
        "after": edit.after,
        "language": edit.language,
        "inputs": [{"field": name, "expr": expr} for name, expr in edit.inputs],
        "problems": [problem.to_json() for problem in edit.problems],
        "ops": [encode(operation) for operation in edit.operations],
    }
