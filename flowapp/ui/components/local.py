"""The base of our own React components: JSX in `assets/js`, bundled with the page by the build."""

from __future__ import annotations

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import VarData

#: The workspace that the tab shows, for components that ask the server by themselves.
TAB_WORKSPACE: rx.Var[str] = rx.Var(
    "tabWorkspace()",
    _var_type=str,
    _var_data=VarData(imports={"$/public/js/workspace.js": [ImportVar(tag="tabWorkspace")]}),
)

#: npm packages that outputs need, pinned; every component that shows outputs lists them.
OUTPUT_LIBRARIES = [
    "@fontsource/inter@5.3.0",
    "@fontsource/jetbrains-mono@5.3.0",
    "@tanstack/react-virtual@3.14.26",
    "anser@2.3.5",
    "react-markdown@10.1.0",
    "remark-gfm@4.0.1",
    "vega@6.4.0",
    "vega-interpreter@2.3.2",
    "vega-lite@6.5.0",
]
FORM_LIBRARIES = ["@cfworker/json-schema@4.1.6", "@rjsf/core@6.11.1", "@rjsf/utils@6.11.1"]
RUN_LIBRARIES = [*OUTPUT_LIBRARIES, *FORM_LIBRARIES]
COMPARE_LIBRARIES = [*RUN_LIBRARIES, "diff@9.0.0"]


class LocalComponent(NoSSRComponent):
    """A component of our own. It is drawn in the browser only: what it shows is not known when the page is built."""
