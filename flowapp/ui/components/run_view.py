"""The bodies of `/runs/ID` and `/runs/compare`, which read the runs from the address."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import COMPARE_LIBRARIES, RUN_LIBRARIES, LocalComponent


class RunRoute(LocalComponent):
    """Header, timeline and step detail of a run (`assets/js/run/run_view.jsx`)."""

    library = "$/public/js/run/routes.jsx"
    tag = "RunRoute"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]


class CompareRoute(LocalComponent):
    """Two runs side by side (`assets/js/run/compare.jsx`)."""

    library = "$/public/js/run/routes.jsx"
    tag = "CompareRoute"
    lib_dependencies: list[str] = COMPARE_LIBRARIES

    ws: rx.Var[str]


run_route = RunRoute.create
compare_route = CompareRoute.create
