"""HTTP: the endpoints of the pages, the Windmill-shaped ones, event streams and sign-in. Holds no rules of its own."""

from __future__ import annotations

from flowapp.api.app import create_api

__all__ = ["create_api"]
