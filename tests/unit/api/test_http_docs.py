"""docs/http-api.md names every route and every error code, and no others."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from fastapi.routing import APIRoute

import flowapp
from flowapp.api.app import ROUTERS
from flowapp.errors import FlowappError

DOC = Path(__file__).resolve().parents[3] / "docs" / "http-api.md"
#: Codes that are made without a class of their own.
PLAIN = {"http.not_found", "http.method_not_allowed", "http.error", "server.error"}
#: The page's modules start Reflex, migrations need Alembic's context, guests run inside of sandboxes.
_LEFT_OUT = ("flowapp.ui", "flowapp.flowapp", "flowapp.compose", "flowapp.store.migrations", "flowapp.runtimes.guest")


def all_errors(kind: type[FlowappError] = FlowappError) -> Iterator[type[FlowappError]]:
    for name in (module.name for module in pkgutil.walk_packages(flowapp.__path__, "flowapp.")):
        if kind is FlowappError and not name.startswith(_LEFT_OUT):
            importlib.import_module(name)
    for below in kind.__subclasses__():
        if below.__module__.startswith("flowapp."):
            yield below
        yield from all_errors(below)


def documented_codes() -> set[str]:
    table = DOC.read_text().split("## Error codes")[1]
    return set(re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE))


def rejections() -> set[str]:
    source = (Path(flowapp.__file__).parent / "notebook" / "errors.py").read_text()
    return set(re.findall(r'Rejected\(\s*"(notebook\.\w+)"', source))


def test_every_route_is_documented() -> None:
    text = DOC.read_text()
    routes = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 35
    for route in routes:
        for method in (route.methods or set()) - {"HEAD"}:
            assert f"`{method} {route.path.replace(':path', '')}`" in text, f"{method} {route.path}"


def test_every_documented_route_exists() -> None:
    routes = {
        f"{method} {route.path.replace(':path', '')}"
        for module in ROUTERS
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or set()
    }
    named = set(re.findall(r"^\| `((?:GET|POST|DELETE) [^`?]+)`", DOC.read_text(), re.MULTILINE))
    assert named <= routes


def test_error_codes() -> None:
    known = {error.code for error in all_errors()} | rejections() | PLAIN | {FlowappError.code}
    assert documented_codes() == known


def test_codes_have_the_form_room_dot_word() -> None:
    for code in documented_codes():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", code), code
