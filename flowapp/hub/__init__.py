"""Scripts that nobody has to write again: from a hub over HTTP, from a folder, and from the starter hub that comes along."""

from __future__ import annotations

from flowapp.hub.errors import HubError, HubPathInvalid, HubScriptMissing, HubUnreachable, HubUnusable
from flowapp.hub.folder import FolderHub
from flowapp.hub.http import HttpHub
from flowapp.hub.hub import Hub, Shelf, best
from flowapp.hub.scripts import HubEntry, HubPath, HubScript, Origin

__all__ = [
    "FolderHub",
    "HttpHub",
    "Hub",
    "HubEntry",
    "HubError",
    "HubPath",
    "HubPathInvalid",
    "HubScript",
    "HubScriptMissing",
    "HubUnreachable",
    "HubUnusable",
    "Origin",
    "Shelf",
    "best",
]
