"""The output of a step as a Reflex component, for pages that show one by itself."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.local import OUTPUT_LIBRARIES, LocalComponent

__all__ = ["OUTPUT_LIBRARIES", "Output", "output"]


class Output(LocalComponent):
    """Tabs and views of an OutputView (`assets/js/output/output.jsx`)."""

    library = "$/public/js/output/output.jsx"
    tag = "Output"
    lib_dependencies: list[str] = OUTPUT_LIBRARIES

    ws: rx.Var[str]
    output: rx.Var[dict[str, Any]]
    stale: rx.Var[bool]
    base_expr: rx.Var[str]
    memory: rx.Var[str]
    live: rx.Var[bool]
    max_height: rx.Var[int]


output = Output.create
