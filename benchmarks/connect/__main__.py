"""How good the proposals of *Connect inputs* are, on labelled cases.

    python -m benchmarks.connect [--all] [--model]

For each set: how many fields with a right answer got it first (top-1) or among the first three (top-3), how many got a
wrong first answer, how many wrong ones were confident (score 0.8 and more), and how many fields without a right answer
were rightly left alone. `--all` lists the misses; `--model` asks the model of OPENAI_MODEL instead of the matcher.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from flowapp.assistant import Proposal, Scope, Target, match, propose, scope_of
from flowapp.models import ModelClient, ModelSettings
from flowapp.notebook import Document

CONFIDENT = 0.8
HERE = Path(__file__).parent


@dataclass
class Tally:
    """Counts over one set."""

    with_answer: int = 0
    without_answer: int = 0
    top1: int = 0
    top3: int = 0
    wrong: int = 0
    confident_wrong: int = 0
    left_alone: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def fields(self) -> int:
        return self.with_answer + self.without_answer

    def add(self, case: str, target: Target, expect: Any, proposal: Proposal | None) -> None:
        """Count one field."""
        right = expect if isinstance(expect, list) else [expect]
        got = proposal.expr if proposal else None
        if right == [None]:
            self.without_answer += 1
            self.left_alone += got is None
        else:
            self.with_answer += 1
            self.top1 += got in right
            self.top3 += got in right or any(each in right for each in (proposal.alternatives[:2] if proposal else ()))
        if got is not None and got not in right:
            self.wrong += 1
            self.confident_wrong += proposal is not None and proposal.score >= CONFIDENT
        if got not in right:
            score = f"{proposal.score:.2f}" if proposal else "-"
            self.misses.append(f"  {case}: {target.field} -> {got} ({score}), expected {expect}")


def scope_for(case: dict[str, Any]) -> Scope:
    """The scope of a new cell after the case's steps."""
    identity = {"type": "identity"}
    modules = [{"id": step, "summary": case["titles"].get(step, ""), "value": identity} for step in case["results"]]
    new = {"id": "new_step", "value": identity}
    if "item" in case:
        new = {
            "id": "each",
            "value": {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "results.a"}, "modules": [new]},
        }
    numbers = count()
    document = Document.of({"summary": "", "value": {"modules": [*modules, new]}}, lambda: f"c{next(numbers)}")
    document = Document(document.flow, document.cells, sample=case["flow_input"])
    item = {"item": case["item"]} if "item" in case else {}
    return scope_of(document, document.cells["new_step"], case["results"], **item)


async def tally(path: Path, client: ModelClient | None) -> Tally:
    """Run one set."""
    found = Tally()
    for case in json.loads(path.read_text())["cases"]:
        scope = scope_for(case)
        for about in case["fields"]:
            target = Target(about["field"], about["schema"], "default" not in about["schema"])
            proposals = (await propose(client, "", [target], scope)).proposals if client else match([target], scope)
            found.add(case["name"], target, about["expect"], proposals[0] if proposals else None)
    return found


async def main(arguments: list[str]) -> None:
    """Run all sets and print."""
    client = None
    if "--model" in arguments:
        settings = ModelSettings(
            os.environ["OPENAI_MODEL"], os.environ.get("OPENAI_API_KEY", ""), os.environ.get("OPENAI_BASE_URL", "")
        )
        client = ModelClient(settings)
    for path in sorted(HERE.glob("*.json")):
        found = await tally(path, client)
        print(
            f"{path.stem:9} {found.fields} fields: "
            f"top-1 {found.top1}/{found.with_answer} ({100 * found.top1 / found.with_answer:.0f} %), "
            f"top-3 {found.top3}/{found.with_answer} ({100 * found.top3 / found.with_answer:.0f} %), "
            f"wrong proposals {found.wrong}/{found.fields} ({100 * found.wrong / found.fields:.0f} %), "
            f"confident and wrong {found.confident_wrong}, "
            f"rightly left alone {found.left_alone}/{found.without_answer}"
        )
        if "--all" in arguments:
            print("\n".join(found.misses))
    if client:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
