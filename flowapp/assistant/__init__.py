"""Proposals for a document. They are never applied here: a person accepts them, and then they are operations."""

from __future__ import annotations

from flowapp.assistant.matcher import equals, match, weaker
from flowapp.assistant.model import propose
from flowapp.assistant.proposals import Proposal, Proposals
from flowapp.assistant.scope import Scope, Source, scope_of
from flowapp.assistant.shapes import Shape
from flowapp.assistant.targets import Target, targets_of

__all__ = [
    "Proposal",
    "Proposals",
    "Scope",
    "Shape",
    "Source",
    "Target",
    "equals",
    "match",
    "propose",
    "scope_of",
    "targets_of",
    "weaker",
]
