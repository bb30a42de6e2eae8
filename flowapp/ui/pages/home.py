"""`/`: a person's flows, and three ways to begin one."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import file_text, glyph, run_state, signal, when
from flowapp.ui.components.lists import delete_button, deletion, empty
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.shell import link, problem_notice, shell, skeleton, title
from flowapp.ui.state.home import HomeState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = HomeState
TUTORIAL = "first_steps"


@rx.page(route="/", title="Flows · Flowapp", on_load=STATE.enter)
def home() -> rx.Component:
    """Home."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        rx.cond(STATE.makes, _starts()),
        rx.el.section(
            rx.el.div(
                rx.el.h2(rx.cond(STATE.makes, "Your flows", "Flows"), id="flows"),
                rx.el.span(class_name="grow"),
                rx.cond(STATE.lines.length() > 5, _search()),
                class_name="list-head",
            ),
            rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
            custom_attrs={"aria-labelledby": "flows"},
        ),
        _template_dialog(),
        _import_dialog(),
        deletion(
            STATE,
            rx.cond(STATE.deletes == "flow", "Delete this flow?", "Delete this draft?"),
            rx.cond(
                STATE.deletes == "flow",
                " goes with all its versions, and cannot be brought back. Its runs stay.",
                ": your cells and their results go, and cannot be brought back. A deployed version stays.",
            ),
            " goes with all its versions, and cannot be brought back. What calls or starts it will fail:",
        ),
        signal(ws=TAB_WORKSPACE, topic="runs", on_change=STATE.load),
        place="home",
        top=title("Flows"),
    )


def _starts() -> rx.Component:
    return rx.el.section(
        _start("plus", "Blank", "An empty notebook", STATE.busy == "blank", STATE.new_blank),
        _start("book", "Template", "A small flow that runs at once", False, STATE.choose_template(True)),
        _start("upload", "Import", "OpenFlow YAML, JSON or zip", False, STATE.open_import(True)),
        class_name="starts",
        custom_attrs={"aria-label": "New from"},
    )


def _start(icon: str, name: str, what: str, busy: Any, on_click: Any) -> rx.Component:
    return rx.el.button(
        glyph(name=icon, size=20),
        rx.el.b(name),
        rx.el.span(what),
        type="button",
        class_name="card start",
        on_click=on_click,
        disabled=busy,
    )


def _search() -> rx.Component:
    return rx.el.label(
        glyph(name="search", size=14),
        rx.el.span("Find a flow", class_name="sr"),
        rx.el.input(placeholder="Find a flow", on_change=STATE.search.debounce(150), type="search"),
        class_name="find",
    )


def _list() -> rx.Component:
    return rx.cond(
        STATE.lines.length() == 0,
        rx.cond(STATE.makes, _empty(), _nothing_to_see()),
        rx.cond(
            STATE.shown.length() == 0,
            rx.el.div(rx.el.p("No flow matches."), class_name="empty"),
            rx.el.ul(rx.foreach(STATE.shown, _line)),
        ),
    )


def _line(line: Any) -> rx.Component:
    """A FlowLine."""
    return rx.el.li(
        rx.el.span(
            rx.cond(
                line.opens != "",
                link(line.title, to=line.opens, class_name="row-title cover"),
                rx.el.button(
                    line.title, type="button", class_name="row-title cover", on_click=STATE.edit_deployed(line.path)
                ),
            ),
            rx.el.span(line.path, class_name="row-sub mono"),
            class_name="row-names",
        ),
        rx.el.span(line.note, class_name="row-sub hide-sm"),
        _last_run(line),
        rx.cond(
            line.run_form_href != "",
            link(glyph(name="play", size=13), "Run", to=line.run_form_href, class_name="btn above"),
            rx.el.span(class_name="hide-sm"),
        ),
        rx.cond(
            line.deletes != "",
            rx.cond(
                line.deletes == "flow",
                delete_button(STATE, line.path, "Delete flow"),
                delete_button(STATE, line.path, "Delete draft"),
            ),
            rx.el.span(class_name="hide-sm"),
        ),
        class_name="row-link row-flow",
    )


def _last_run(line: Any) -> rx.Component:
    state = rx.fragment(
        run_state(status=line.run_status), rx.el.span(when(iso=line.run_at), class_name="row-sub hide-sm")
    )
    return rx.cond(
        line.run_href != "",
        link(state, to=line.run_href, class_name="row-run-state above", title="Open the last run"),
        rx.cond(
            line.run_status != "",
            rx.el.span(state, class_name="row-run-state"),
            rx.el.span("Not run", class_name="row-sub"),
        ),
    )


def _empty() -> rx.Component:
    return rx.el.div(
        rx.el.b("No flows yet"),
        rx.el.p(
            "A flow is a notebook of cells that pass their results on. The tutorial is one: five minutes, in a flow of your own."
        ),
        rx.el.div(
            rx.el.button(
                "Take the first steps",
                type="button",
                class_name="btn pri",
                on_click=STATE.new_from_template(TUTORIAL),
                disabled=STATE.busy != "",
            ),
            rx.el.button(
                "Start from a template", type="button", class_name="btn", on_click=STATE.choose_template(True)
            ),
            class_name="empty-acts",
        ),
        class_name="empty",
    )


def _nothing_to_see() -> rx.Component:
    return empty(
        "No flows yet", "What developers of this workspace deploy stands here, as far as its folder lets you see it."
    )


def _template_dialog() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.div(
                rx.dialog.title("Start from a template"),
                rx.el.div(rx.foreach(STATE.templates, _template), class_name="templates"),
                rx.el.div(rx.dialog.close(_button("Close")), class_name="dialog-foot"),
                class_name="dialog",
            ),
            max_width="560px",
            custom_attrs={"aria-describedby": ""},
        ),
        open=STATE.choosing,
        on_open_change=STATE.choose_template,
    )


def _template(template: Any) -> rx.Component:
    """A TemplateLine."""
    return rx.el.button(
        rx.el.b(template.title),
        rx.el.span(template.description),
        rx.el.span(template.steps, class_name="faint"),
        type="button",
        class_name="card start",
        on_click=STATE.new_from_template(template.name),
        disabled=STATE.busy != "",
    )


def _import_dialog() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.form(
                rx.dialog.title("Import a flow"),
                rx.dialog.description(
                    "OpenFlow as YAML or JSON, pasted or from a file, or a zip of a flow's folder. Exports of Windmill flows and "
                    "Jupyter notebooks in Python work too.",
                    class_name="form-help",
                ),
                file_text(target="text", archive="archive", accept=".yaml,.yml,.json,.zip,.ipynb"),
                rx.el.label("Flow", html_for="import-text", class_name="sr"),
                rx.el.textarea(
                    id="import-text",
                    name="text",
                    rows="10",
                    class_name="in-area mono",
                    placeholder="summary: Orders report\nvalue:\n  modules: []",
                    spell_check=False,
                    custom_attrs={"aria-describedby": "import-problems"},
                ),
                rx.el.div(
                    rx.cond(STATE.import_error != "", rx.el.p(STATE.import_error, class_name="form-error")),
                    rx.cond(
                        STATE.import_problems.length() > 0,
                        rx.el.ul(rx.foreach(STATE.import_problems, _problem), class_name="problems"),
                    ),
                    id="import-problems",
                    role="alert",
                ),
                rx.el.div(
                    rx.dialog.close(_button("Cancel")),
                    rx.el.button(
                        rx.cond(STATE.busy == "import", "Importing", "Import"),
                        type="submit",
                        class_name="btn pri",
                        disabled=STATE.busy == "import",
                    ),
                    class_name="dialog-foot",
                ),
                on_submit=STATE.import_text,
                reset_on_submit=False,
                class_name="dialog",
            ),
            max_width="640px",
        ),
        open=STATE.importing,
        on_open_change=STATE.open_import,
    )


def _problem(problem: Any) -> rx.Component:
    """A ProblemLine."""
    return rx.el.li(
        rx.el.span(problem.message),
        rx.cond(problem.hint != "", rx.el.span(" ", problem.hint, class_name="muted")),
        rx.cond(problem.where != "", rx.el.div(problem.where, class_name="where")),
        class_name=problem.severity,
    )


def _button(label: str) -> rx.Component:
    return rx.el.button(label, type="button", class_name="btn")
