"""Why an agent step fails by itself."""

from __future__ import annotations

from flowapp.engine.errors import EngineError


class AgentRefused(EngineError):
    """The step is set up in a way that cannot run; its message becomes the step's error."""

    code = "engine.agent_refused"
    status = 400
