"""Running flows: the interpreter, the memo of finished steps, and what makes a run outlive its server process."""

from __future__ import annotations

from flowapp.engine.bindings import EngineConfig
from flowapp.engine.engine import Engine
from flowapp.engine.interpreter import Rules
from flowapp.engine.leaves import LeafSettings
from flowapp.engine.ports import Secrets, StepObserver, Tokens

__all__ = ["Engine", "EngineConfig", "LeafSettings", "Rules", "Secrets", "StepObserver", "Tokens"]
