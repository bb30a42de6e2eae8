"""Errors of the openflow room.

FlowappError
└── DocumentInvalid   openflow.invalid
"""

from __future__ import annotations

from typing import Any, ClassVar

from flowapp.errors import FlowappError
from flowapp.openflow.problems import Problem


class DocumentInvalid(FlowappError):
    """The text or value is not an OpenFlow document; `problems` say where and why. There is at least one."""

    code: ClassVar[str] = "openflow.invalid"
    status: ClassVar[int] = 422

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        place = f" (at {first.pointer})" if first.pointer else ""
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        super().__init__(f"This is not a valid OpenFlow document: {first.message}{place}{more}", first.hint)
        self.problems = problems

    def to_json(self) -> dict[str, Any]:
        """Like any error, with the list of problems under `problems`."""
        return {**super().to_json(), "problems": [problem.to_json() for problem in self.problems]}
