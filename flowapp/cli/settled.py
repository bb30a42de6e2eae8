"""The settings of this machine, as commands need them."""

from __future__ import annotations

import os
from pathlib import Path

from flowapp.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]


def settings(folder: str = ".flowapp") -> Settings:
    """The settings of the environment; the data folder is in the clone unless FLOWAPP_HOME says otherwise.

    Raises:
        SettingsError: a value cannot be used.
    """
    return Settings.from_env(os.environ, default_home=ROOT / folder)


def make_home(home: Path) -> None:
    """Create the data folder, for the owner only, and make sure that it can be written.

    Raises:
        SettingsError: it cannot.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The data folder {home} cannot be written ({error.strerror}).",
            "Choose another one: FLOWAPP_HOME=<folder>.",
        ) from None
