"""Help for people who write code, by processes in sandboxes that stay for one person's next questions.

Nothing of the code is run; the sandbox is there because what reads it is large and was made for friendly input.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from flowapp.runtimes.conversation import Answer, Conversation
from flowapp.runtimes.errors import EditingUnavailable
from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.plan import EDITING
from flowapp.runtimes.kept import Kept
from flowapp.runtimes.launching import Launcher, Sandbox
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.npm_needs import in_place
from flowapp.runtimes.packages.packages import Need, Packages

Action: TypeAlias = Literal["complete", "hover", "signature", "check", "format"]
Service: TypeAlias = Literal["python", "typescript", "shell"]

#: reading a first text takes a language server seconds on a slow machine
TIMEOUT_S = 60.0
_IDLE_S = 240.0
_BOUNDS = (1024, 128, 64)
_ANSWER_BYTES = 4 << 20
_LOG_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a text. Lines and columns count from 1, columns in UTF-16 units, as Monaco does."""

    service: Service
    action: Action
    code: str
    line: int = 1
    column: int = 1


class Editing:
    """One process per person and service, started by the first question and ended some minutes after the last."""

    def __init__(self, packages: Packages | None = None) -> None:
        """`packages`: where those of TypeScript cells are, whose types are known then."""
        self._packages = packages
        self.launcher: Launcher | None = None
        self._kept = Kept(idle_s=_IDLE_S, most=4, most_each=1)
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._waiting: Counter[bytes] = Counter()

    async def ask(self, owner: str, question: Question) -> dict[str, Any]:
        """The answer, by the action:

        * complete: `{"items": [{"label", "kind", "detail"}]}`
        * hover: `{"text"}` (Markdown; empty for none)
        * signature: `{"signatures": [{"label", "parameters", "doc"}], "active", "parameter"}`
        * check: `{"problems": [{"line", "column", "end_line", "end_column", "message", "code"}]}`
        * format: `{"code"}`, or `{"problem"}` where the code cannot be read

        Questions of one person about one language are answered one after the other.

        Raises:
            EditingUnavailable: there was no answer in time, or none at all.
        """
        key = hashlib.blake2b(orjson.dumps([owner, question.service])).digest()
        need, code = await self._read(question)
        async with self._turn(key):
            # whoever removes packages in this moment waits for nobody, and the question is answered without them
            with (
                self._packages.folders.used(need.key)
                if self._packages and need
                else contextlib.nullcontext(False) as there
            ):
                answer = await self._answer(key, _header(question, need.folder if need and there else None), code)
        if answer.kind != frames.RESULT:
            raise EditingUnavailable("There is no help for this code now.", "It can be run all the same. Try again.")
        found: dict[str, Any] = orjson.loads(answer.body)
        return found

    async def _read(self, question: Question) -> tuple[Need | None, str]:
        """The packages that code imports, and the code as they answer it; what is formatted stays as it is."""
        if self._packages is None or question.service != "typescript" or question.action == "format":
            return None, question.code
        need = await self._packages.at_hand(question.code)
        try:
            return need, in_place(question.code)
        except (
            PackagesUnavailable
        ):  # a specifier that is half written; whoever runs the code is told what is wrong with it
            return None, question.code

    async def _answer(self, key: bytes, header: bytes, code: str) -> Answer:
        sandbox = await self._kept.take(key) or await self._new()
        conversation = Conversation(sandbox, lambda _: None, _LOG_BYTES, _ANSWER_BYTES, last=False)
        stays = False
        try:
            conversation.start(header, code.encode("utf-8", "replace"), b"{}", TIMEOUT_S)
            answer = await conversation.answer
            stays = answer.kind == frames.RESULT
        finally:
            if stays:
                conversation.release()
                self._kept.give_back(key, sandbox)
            else:
                conversation.close()
        return answer

    @contextlib.asynccontextmanager
    async def _turn(self, key: bytes) -> AsyncIterator[None]:
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._waiting[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._locks[key], self._waiting[key]

    async def _new(self) -> Sandbox:
        if self.launcher is None:
            raise EditingUnavailable("Scripts cannot be started now.", "Try again in a moment.")
        return await self.launcher.sandbox(EDITING, shared=None, bounds=_BOUNDS)

    def drop_all(self) -> None:
        """End the idle ones: their launcher is gone."""
        self._kept.drop_all()

    async def close(self) -> None:
        """End all of them, for good."""
        await self._kept.close()


def _header(question: Question, packages: str | None) -> bytes:
    asked = {"service": question.service, "action": question.action, "line": question.line, "column": question.column}
    return json.dumps({"runs": EDITING, "env": {}, "editing": {**asked, "packages": packages}}).encode()
