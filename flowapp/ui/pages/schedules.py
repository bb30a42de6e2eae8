"""`/schedules`: what runs by itself."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import when
from flowapp.ui.components.lists import delete_button, empty, field, list_head, new_button
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.stored import schedule_fields
from flowapp.ui.pages.stored import dialog, stored_deletion
from flowapp.ui.shell import problem_notice, shell, skeleton, title
from flowapp.ui.state.schedules import SchedulesState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = SchedulesState


@rx.page(route="/schedules", title="Schedules · Flowapp", on_load=STATE.load)
def schedules() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        list_head(
            "Flows and scripts that run at set times, with the rights of who changed the schedule last.",
            rx.cond(STATE.makes, new_button("New schedule", STATE.edit(""))),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        dialog(STATE, "schedule", *_fields(), summary="Summary"),
        stored_deletion(STATE, "schedule", " starts no more runs. Those under way go on."),
        place="schedules",
        top=title("Schedules"),
    )


def _list() -> rx.Component:
    return rx.cond(
        STATE.schedules.length() == 0,
        empty(
            "No schedules yet",
            "A schedule runs a deployed flow or a script at set times, such as every morning at nine.",
        ),
        rx.el.ul(rx.foreach(STATE.schedules, _line)),
    )


def _line(line: Any) -> rx.Component:
    """A ScheduleLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.button(line.path, type="button", class_name="row-title cover mono", on_click=STATE.edit(line.path)),
            rx.el.span(line.runs, " · ", line.when, class_name="row-sub"),
            rx.cond(line.problem != "", rx.el.span(line.problem, class_name="form-error")),
            class_name="row-names",
        ),
        rx.el.span(
            rx.cond(line.next_at != "", when(iso=line.next_at, prefix="next ", relative=False)),
            class_name="row-sub right hide-sm",
        ),
        rx.el.button(
            rx.cond(line.enabled, "On", "Off"),
            type="button",
            role="switch",
            class_name="chip above",
            on_click=STATE.switch(line.path, ~line.enabled),
            disabled=~line.mine,
            custom_attrs={"aria-checked": line.enabled, "aria-label": "Run " + line.path},
        ),
        rx.cond(line.mine, delete_button(STATE, line.path), rx.el.span()),
        class_name="row-link row-stored row-schedule",
    )


def _fields() -> tuple[rx.Component, ...]:
    return (
        rx.el.div(
            field("When (cron)", "cron", STATE.cron, required=True, on_change=STATE.set_cron.debounce(250)),
            field("Time zone", "zone", STATE.zone, required=True, on_change=STATE.set_zone.debounce(250)),
            class_name="two",
        ),
        rx.el.div(
            rx.cond(
                STATE.times_problem != "",
                rx.el.p(STATE.times_problem, class_name="form-error"),
                rx.el.p(
                    rx.cond(STATE.words != "", rx.el.b(STATE.words + ". ")),
                    "Next, in your time: ",
                    rx.foreach(STATE.times, lambda iso: rx.el.span(when(iso=iso, relative=False), class_name="pill")),
                    class_name="form-help times",
                ),
            ),
            custom_attrs={"aria-live": "polite"},
        ),
        schedule_fields(
            ws=TAB_WORKSPACE, runs=STATE.runs, text=STATE.value, targets=STATE.targets, options=STATE.options
        ),
    )
