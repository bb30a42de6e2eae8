"""What an engine is put together with: its settings, and the ports that its owner fills in."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowapp.engine.interpreter import Rules
from flowapp.engine.leaves import LeafSettings
from flowapp.engine.ports import Approvals, Files, Library, Limits, Secrets, StepObserver, Tokens
from flowapp.net import AddressPolicy


@dataclass(slots=True)
class EngineConfig:
    """What the composition decides. `isolation` is what the runtimes reached, noted on every run."""

    leaves: LeafSettings = field(default_factory=LeafSettings)
    rules: Rules = field(default_factory=Rules)
    isolation: str = ""
    calls: AddressPolicy = field(default_factory=AddressPolicy)
    """Which private addresses agents may call; public ones they may."""


@dataclass(slots=True)
class Bindings:
    """The engine's ports to the rest of the program; `None` where there is nothing of the kind."""

    approvals: Approvals
    limits: Limits | None = None
    observer: StepObserver | None = None
    secrets: Secrets | None = None
    tokens: Tokens | None = None
    library: Library | None = None
    files: Files | None = None
