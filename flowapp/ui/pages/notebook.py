"""`/flows/ID`: the notebook of a draft."""

from __future__ import annotations

import reflex as rx
from reflex_base.vars import VarData

from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.notebook import notebook as notebook_body
from flowapp.ui.shell import shell
from flowapp.ui.state.guard import Guard

#: The draft's id straight from the address: the notebook loads before Reflex's websocket has said a word.
DRAFT_ID: rx.Var[str] = rx.Var(
    "(routeParams.draft_id ?? '')",
    _var_type=str,
    _var_data=VarData(
        hooks={"const routeParams = useParams();": None}, imports={"react-router": [rx.ImportVar(tag="useParams")]}
    ),
)


@rx.page(route="/flows/[draft_id]", title="Notebook · Flowapp", on_load=Guard.enter)
def notebook() -> rx.Component:
    """The notebook brings its own top bar; its cells live in local components, past Reflex state."""
    return shell(notebook_body(ws=TAB_WORKSPACE, draft_id=DRAFT_ID), place="home", inset=False)
