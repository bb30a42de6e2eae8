"""A run's page: the body of `/runs/ID`, which reads the run from the address."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import RUN_LIBRARIES, LocalComponent


class RunRoute(LocalComponent):
    """Header, timeline and step detail of a run (`assets/js/run/run_view.jsx`)."""

    library = "$/public/js/run/routes.jsx"
    tag = "RunRoute"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]


run_route = RunRoute.create
