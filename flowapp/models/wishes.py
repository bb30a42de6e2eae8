"""What is asked of a model, as the bodies of requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, and how long the answer may be in tokens."""

    system: str
    user: str
    schema: dict[str, Any]
    name: str
    limit: int
    hear: Callable[[str], None] | None

    def forms(self) -> list[dict[str, Any]]:
        """The request's body in several forms, the best first: servers that do not know schemas get it in words, and the
        answer is checked against it all the same; servers that do not stream are asked for all at once.
        """
        form = {"type": "json_schema", "json_schema": {"name": self.name, "schema": self.schema, "strict": True}}
        in_words = f"{self.system}\n\nAnswer with one JSON object of this JSON Schema:\n{json.dumps(self.schema)}"
        rich = {
            "messages": _messages(self.system, self.user),
            "response_format": form,
            "max_completion_tokens": self.limit,
        }
        plain = {"messages": _messages(in_words, self.user), "max_tokens": self.limit}
        if self.hear is None:
            return [rich, plain]
        counted = {"stream": True, "stream_options": {"include_usage": True}}
        return [{**rich, **counted}, {**plain, "stream": True}, plain]


def _messages(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]
