"""The body of `/settings`: which model the workspace's assistant asks, and what the workspace keeps."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import RUN_LIBRARIES, LocalComponent


class ModelSettings(LocalComponent):
    """A form for admins, and a test of the connection (`assets/js/settings/model_settings.jsx`)."""

    library = "$/public/js/settings/model_settings.jsx"
    tag = "ModelSettings"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]


class KeepSettings(LocalComponent):
    """For how long runs are kept, and where files (`assets/js/settings/keep_settings.jsx`)."""

    library = "$/public/js/settings/keep_settings.jsx"
    tag = "KeepSettings"
    lib_dependencies: list[str] = RUN_LIBRARIES

    ws: rx.Var[str]


model_settings = ModelSettings.create
keep_settings = KeepSettings.create
