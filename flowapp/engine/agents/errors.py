"""Why an agent step fails by itself, or tells its model that a call was wrong."""

from __future__ import annotations

from flowapp.engine.errors import EngineError


class AgentRefused(EngineError):
    """The step is set up in a way that cannot run; its message becomes the step's error."""

    code = "engine.agent_refused"
    status = 400


class BadArguments(EngineError):
    """The model's arguments do not fit the function; it is told so, and may call again."""

    code = "engine.bad_arguments"
    status = 400
