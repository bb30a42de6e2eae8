"""The page that runs a deployed flow: the body of `/run/PATH`, a form made from the flow's schema."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import RUN_LIBRARIES, LocalComponent


class RunFormRoute(LocalComponent):
    """Description, form and button of a deployed flow (`assets/js/run/run_form.jsx`)."""

    library = "$/public/js/run/routes.jsx"
    tag = "RunFormRoute"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]


run_form_route = RunFormRoute.create
