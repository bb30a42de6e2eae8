"""Reflex configuration. What belongs to one start (port, host, data folder) is not here: it never enters the build."""

from __future__ import annotations

import os
from typing import Any

from flowapp.build import use_packaged_node, with_chunks

use_packaged_node()
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")

import reflex as rx  # noqa: E402 - Reflex reads the environment that the lines above prepare


class _Chunks(rx.plugins.Plugin):
    """Tells the bundler which modules come together."""

    def pre_compile(self, **context: Any) -> None:
        context["add_modify_task"]("vite.config.js", with_chunks)


config = rx.Config(
    app_name="flowapp",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # No other origin gets CORS headers. The check of the Origin header, on websockets too, is made in flowapp/api/security.py,
    # which knows the host that the browser used; an empty list switches Reflex's own (fixed) list off.
    cors_allowed_origins=[],
    # States are a cache in front of SQL (ARCHITECTURE.md), so they need no disk.
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    # Browsers take Brotli over TLS and from their own machine: a fifth less to send. Over plain HTTP they ask for gzip.
    frontend_compression_formats=["brotli", "gzip"],
    plugins=[rx.plugins.RadixThemesPlugin(), _Chunks()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
