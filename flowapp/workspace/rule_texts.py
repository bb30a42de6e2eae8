"""What each lint rule is about, as docs/lint-rules.md says it: read from there, so that page and document are one text."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.openflow.rules import severity_of
from flowapp.workspace import guard

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lint-rules.md"


class RuleTexts:
    """The use-case behind a rule's name in the list of problems."""

    async def get(self, identity: Identity, rule: str) -> dict[str, Any]:
        """`{"rule", "severity", "text"}`: the rule's section, paragraphs apart by an empty line, with `code` and **bold** as in Markdown.

        Raises:
            NotFound: there is no such rule.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        text = (await asyncio.to_thread(sections)).get(rule)
        if text is None:
            raise missing("rule")
        return {"rule": rule, "severity": severity_of(rule), "text": text}


@cache
def sections() -> dict[str, str]:
    """The text of each rule, without its heading. Lines of a paragraph are joined."""
    found = {}
    for section in DOCUMENT.read_text().split("\n## ")[1:]:
        rule, _, text = section.partition("\n")
        paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
        found[rule.strip()] = "\n\n".join(paragraphs)
    return found
