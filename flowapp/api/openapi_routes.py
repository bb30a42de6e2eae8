"""The OpenAPI document at the addresses where Windmill has its own; public, since it holds nothing of a workspace."""

from __future__ import annotations

import asyncio
from functools import cache

import yaml
from fastapi import APIRouter
from starlette.responses import Response

from flowapp.jsontext import dumps

router = APIRouter(prefix="/api")


@router.get("/openapi.json")
async def openapi_json() -> Response:
    """This document."""
    return Response(await asyncio.to_thread(_json), media_type="application/json")


@router.get("/openapi.yaml")
async def openapi_yaml() -> Response:
    """This document as YAML."""
    return Response(await asyncio.to_thread(_yaml), media_type="application/yaml")


@cache
def _json() -> bytes:
    # made when somebody first asks: the routers import this module
    from flowapp.api.app import openapi

    return dumps(openapi()).encode()


@cache
def _yaml() -> bytes:
    from flowapp.api.app import openapi

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the one in C is ten times as fast, where it is built
    text: str = yaml.dump(openapi(), Dumper=dumper, sort_keys=False, allow_unicode=True)
    return text.encode()
