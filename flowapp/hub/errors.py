"""Why a script of a hub cannot be had. Each message names the hub and the path: it becomes the error of a step.

HubError
├── HubPathInvalid      hub.path_invalid     400
├── HubScriptMissing    hub.script_missing   404
├── HubUnreachable      hub.unreachable      502  (down, and the script was not fetched before)
└── HubUnusable         hub.unusable         502  (it answered something else than a script)
"""

from __future__ import annotations

from typing import ClassVar

from flowapp.errors import FlowappError


class HubError(FlowappError):
    """Something about a hub."""

    code: ClassVar[str] = "hub.error"


class HubPathInvalid(HubError):
    """Not of the form hub/<version id>/<app>/<name>."""

    code: ClassVar[str] = "hub.path_invalid"
    status: ClassVar[int] = 400


class HubScriptMissing(HubError):
    """No hub has it."""

    code: ClassVar[str] = "hub.script_missing"
    status: ClassVar[int] = 404


class HubUnreachable(HubError):
    """The hub does not answer."""

    code: ClassVar[str] = "hub.unreachable"
    status: ClassVar[int] = 502


class HubUnusable(HubError):
    """The hub's answer is no script."""

    code: ClassVar[str] = "hub.unusable"
    status: ClassVar[int] = 502
