"""Small local components for lists: times in the reader's zone, states, icons, a file field, a live signal."""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx
from reflex_base.components.component import Component

from flowapp.ui.components.local import OUTPUT_LIBRARIES, LocalComponent

_BITS = "$/public/js/shell/bits.jsx"
_LISTED = "$/public/js/shell/listed.jsx"


class StatusBar(LocalComponent):
    """Connection, isolation and versions at the foot of every page; holds the page's event stream open."""

    library = "$/public/js/shell/status_bar.jsx"
    tag = "StatusBar"
    lib_dependencies: list[str] = OUTPUT_LIBRARIES
    ws: rx.Var[str]
    news: rx.Var[str]


class When(LocalComponent):
    """A time in words; `relative` counts from now ("3 min ago")."""

    library = _BITS
    tag = "When"
    iso: rx.Var[str]
    prefix: rx.Var[str]
    relative: rx.Var[bool]


class Took(LocalComponent):
    """A duration in ms as words; nothing for a negative one."""

    library = _BITS
    tag = "Took"
    ms: rx.Var[float]


class RunState(LocalComponent):
    """A run's state: icon and word."""

    library = _BITS
    tag = "State"
    alias = "RunStateBadge"
    status: rx.Var[str]


class Glyph(Component):
    """One of the line icons; drawn by the server too, so that the shell does not blink."""

    library = _BITS
    tag = "Glyph"
    name: rx.Var[str]
    size: rx.Var[int]


class SignOut(Component):
    """The button that ends the session."""

    library = _BITS
    tag = "SignOut"


class WorkspaceSwitch(LocalComponent):
    """The name of the tab's workspace, and the way into another one; `wide` as a row of a list."""

    library = "$/public/js/shell/workspaces.jsx"
    tag = "WorkspaceSwitch"
    lib_dependencies: list[str] = OUTPUT_LIBRARIES
    ws: rx.Var[str]
    wide: rx.Var[bool]


class FileText(LocalComponent):
    """A file field that puts the file's text into the textarea `target` of the same form.

    A zip archive goes in base64 into a hidden field named `archive`, which it makes.
    """

    library = _BITS
    tag = "FileText"
    target: rx.Var[str]
    archive: rx.Var[str]
    accept: rx.Var[str]


class ServerPages(LocalComponent):
    """On the page for unknown addresses: asks the server for those that it answers itself, such as /signin."""

    library = _BITS
    tag = "ServerPages"
    paths: rx.Var[list[str]]


class CopyField(LocalComponent):
    """A text to take away, with a button that copies it."""

    library = _BITS
    tag = "CopyField"
    value: rx.Var[str]
    label: rx.Var[str]


class KeepTyped(Component):
    """In a dialog's form: asks before Escape or a press beside the dialog throws away what was typed (`keep_typed.jsx`)."""

    library = _BITS
    tag = "KeepTyped"


class Tick(LocalComponent):
    """A checkbox that shows the press at once, and what the server says of it after."""

    library = _BITS
    tag = "Tick"
    checked: rx.Var[bool]
    label: rx.Var[str]
    on_toggle: rx.EventHandler[rx.event.passthrough_event_spec(bool)]  # type: ignore[type-arg,valid-type]  # as below


class FilterField(Component):
    """A field, or a choice of `options` (value, word), that shows `value`, and another one when that changes; never over what somebody types."""

    library = _BITS
    tag = "FilterField"
    value: rx.Var[str]
    name: rx.Var[str]
    placeholder: rx.Var[str]
    type: rx.Var[str]
    list: rx.Var[str]
    options: rx.Var[Sequence[tuple[str, str]]]


class Listed(Component):
    """Its children are what the server listed for the query `answered` of the address; hidden while the address has another."""

    library = _LISTED
    tag = "Listed"
    answered: rx.Var[str]


class FilterChip(Component):
    """A filter of a `Listed`: a link to the address `to`, which looks pressed at once."""

    library = _LISTED
    tag = "FilterChip"
    to: rx.Var[str]
    pressed: rx.Var[bool]
    answered: rx.Var[str]
    title: rx.Var[str]


class Signal(LocalComponent):
    """Calls `on_change`, at most once a second, when something of a topic changed."""

    library = _BITS
    tag = "Signal"
    ws: rx.Var[str]
    topic: rx.Var[str]
    on_change: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]  # Reflex reads it at run time


status_bar = StatusBar.create
when = When.create
took = Took.create
run_state = RunState.create
glyph = Glyph.create
sign_out = SignOut.create
file_text = FileText.create
server_pages = ServerPages.create
copy_field = CopyField.create
keep_typed = KeepTyped.create
signal = Signal.create
tick = Tick.create
filter_input = FilterField.create
listed = Listed.create
filter_chip = FilterChip.create
workspace_switch = WorkspaceSwitch.create
