"""The bodies of `/hub` and `/hub/p/…`, which talk to the HTTP API themselves, past Reflex state."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import LocalComponent
from flowapp.ui.components.script_page import SCRIPT_LIBRARIES


class HubRoute(LocalComponent):
    """All scripts of all hubs (`assets/js/hub/hub_list.jsx`)."""

    library = "$/public/js/hub/routes.jsx"
    tag = "HubRoute"
    lib_dependencies: list[str] = SCRIPT_LIBRARIES

    ws: rx.Var[str]


class HubScriptRoute(LocalComponent):
    """The script that the address names (`assets/js/hub/hub_script.jsx`)."""

    library = "$/public/js/hub/routes.jsx"
    tag = "HubScriptRoute"
    lib_dependencies: list[str] = SCRIPT_LIBRARIES

    ws: rx.Var[str]


hub_route = HubRoute.create
hub_script_route = HubScriptRoute.create
