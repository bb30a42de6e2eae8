"""The body of `/scripts/p/PATH`: code, a run of it, and versions of one stored script."""

from __future__ import annotations

import reflex as rx

from flowapp.languages import LANGUAGES
from flowapp.ui.components.editor import EDITOR_LIBRARIES
from flowapp.ui.components.local import COMPARE_LIBRARIES, LocalComponent

SCRIPT_LIBRARIES = [*COMPARE_LIBRARIES, *EDITOR_LIBRARIES]
#: The languages that one can choose, as the page gets them.
RUNNABLE = [{"name": one.name, "label": one.label, "editor": one.editor} for one in LANGUAGES if one.runnable]


class ScriptRoute(LocalComponent):
    """The page of the script that the address names (`assets/js/scripts/script_page.jsx`)."""

    library = "$/public/js/scripts/routes.jsx"
    tag = "ScriptRoute"
    lib_dependencies: list[str] = SCRIPT_LIBRARIES

    ws: rx.Var[str]
    languages: rx.Var[list[dict[str, str]]]


script_route = ScriptRoute.create
