"""Parts of the dialogs for stored things that know the schema of what they ask for (`assets/js/stored/`)."""

from __future__ import annotations

import reflex as rx
from reflex_base.components.component import Component

from flowapp.ui.components.local import RUN_LIBRARIES, LocalComponent


class ResourceFields(Component):
    """Type and value of a resource; sent by the form around them as `resource_type` and `value`, a JSON text.

    Not loaded by itself when the dialog opens: who goes on by keyboard would pass a field that is not there yet.
    """

    library = "$/public/js/stored/resource_fields.jsx"
    tag = "ResourceFields"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]
    type: rx.Var[str]
    text: rx.Var[str]
    fresh: rx.Var[bool]


class ScheduleFields(Component):
    """What a schedule runs, with which arguments, and its options (`schedule_fields.jsx`); each sent by its name."""

    library = "$/public/js/stored/schedule_fields.jsx"
    tag = "ScheduleFields"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]
    runs: rx.Var[str]
    text: rx.Var[str]
    targets: rx.Var[list[str]]
    options: rx.Var[str]


class TypeSchema(LocalComponent):
    """The fields of a type, sent by the form around them as `value`, a JSON Schema as text (`type_schema.jsx`)."""

    library = "$/public/js/stored/type_schema.jsx"
    tag = "TypeSchema"
    lib_dependencies: list[str] = RUN_LIBRARIES

    text: rx.Var[str]


resource_fields = ResourceFields.create
type_schema = TypeSchema.create
schedule_fields = ScheduleFields.create
