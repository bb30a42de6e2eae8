"""The notebook page body: one local React component that owns cells, editors and the page's event stream."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import OUTPUT_LIBRARIES, LocalComponent

#: npm packages of the notebook, exact: the lock pins what they bring along. Outputs are part of its cells.
NOTEBOOK_LIBRARIES = [
    *OUTPUT_LIBRARIES,
    "@dnd-kit/core@6.3.1",
    "@xyflow/react@12.12.1",
    "cmdk@1.1.1",
    "monaco-editor@0.57.0",
]

_EARLY_EDITOR = 'if (typeof window !== "undefined") import("$/public/js/notebook/monaco.js").then(({ loadMonaco }) => loadMonaco());'


class Notebook(LocalComponent):
    """The notebook of one draft. It talks to the HTTP API itself; Reflex only says which draft is meant."""

    library = "$/public/js/notebook/notebook.jsx"
    tag = "Notebook"
    lib_dependencies: list[str] = NOTEBOOK_LIBRARIES

    #: The workspace, as in `/api/w/{ws}`.
    ws: rx.Var[str]
    #: The draft's id, as in `/api/w/{ws}/drafts/{id}`.
    draft_id: rx.Var[str]

    def add_custom_code(self) -> list[str]:
        """Start loading the code editor with the page's own script, not after the notebook has been drawn."""
        return [_EARLY_EDITOR]


notebook = Notebook.create
