"""Help for people who write the code of cells and scripts: completion, hovers, signatures, type checks, formatting."""

from __future__ import annotations

from typing import Any, get_args

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.runtimes.editing import Action, Question, Service
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest

#: longer texts are not read while somebody types
MAX_CODE = 300_000
_SERVICES: dict[str, Service] = {
    "python3": "python",
    "deno": "typescript",
    "bun": "typescript",
    "nativets": "typescript",
    "bunnative": "typescript",
    "bash": "shell",
}
_ACTIONS: dict[Service, frozenset[Action]] = {
    "python": frozenset(get_args(Action)),
    "typescript": frozenset(get_args(Action)),
    "shell": frozenset({"format"}),
}


class CodeHelp:
    """The use-case behind the editors' help. The code is read, in a sandbox; nothing of it is run or stored."""

    def __init__(self, context: Context) -> None:
        self._runtimes = context.runtimes

    async def ask(
        self, identity: Identity, action: str, language: str, code: str, *, line: int, column: int
    ) -> dict[str, Any]:
        """The answer to one question about a text; see `runtimes.Editing.ask` for its shapes.

        Args:
            identity: who asks; who may make drafts.
            action: complete, hover, signature, check or format.
            language: the cell's language, as OpenFlow names it.
            code: the whole text.
            line: the place, from 1; with `column` (from 1, in UTF-16 units) only for complete, hover and signature.
            column: see `line`.

        Raises:
            BadRequest: there is no such action, no help for the language, or the text is too long.
            EditingUnavailable: there was no answer.
        """
        require(identity, "draft.create", guard.workspace_target(identity))
        known = next((name for name in get_args(Action) if name == action), None)
        if known is None:
            raise BadRequest(f"There is no {action[:40]!r}.", f"There are {', '.join(get_args(Action))}.")
        service = _SERVICES.get(language)
        if service is None:
            raise BadRequest(f"There is no help for {language[:40]!r}.", f"There is for {', '.join(_SERVICES)}.")
        if known not in _ACTIONS[service]:
            raise BadRequest(
                f"There is no {known} for {language}.", f"There is {', '.join(sorted(_ACTIONS[service]))}."
            )
        if len(code) > MAX_CODE:
            raise BadRequest(f"The code is longer than {MAX_CODE:,} characters.", "Put a part of it into a script.")
        owner = f"{identity.workspace}/{identity.username}"
        question = Question(service, known, code, max(1, line), max(1, column))
        answer: dict[str, Any] = await self._runtimes.editing.ask(owner, question)
        return answer
