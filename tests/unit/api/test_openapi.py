"""The OpenAPI document: whole, valid, and without words about what is not there."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from flowapp.api import openapi_routes
from flowapp.api.app import ROUTERS, openapi
from flowapp.api.openapi.document import OPERATIONS
from flowapp.api.openapi.schemas import object_of
from tests.support.honest import lie_in


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return openapi()


def operations(made: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{method} {path}", told) for path, item in made["paths"].items() for method, told in item.items()]


def test_every_route_is_told_and_nothing_else(made: dict[str, Any]) -> None:
    routes = {
        f"{method} {route.path_format}"
        for module in ROUTERS
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(OPERATIONS) == routes, "the tables of flowapp/api/openapi/ have one entry for each route"
    assert {f"{name.split()[0].upper()} {name.split()[1]}" for name, _ in operations(made)} == routes


def test_ids_are_unique_and_every_operation_says_what_it_is(made: dict[str, Any]) -> None:
    ids = [told["operationId"] for _, told in operations(made)]
    assert len(ids) == len(set(ids))
    assert not [name for name, told in operations(made) if not told["summary"]]


def test_schemas_are_schemas_and_references_lead_somewhere(made: dict[str, Any]) -> None:
    schemas: list[Any] = list(made["components"]["schemas"].values())
    refusals = list(made["components"]["responses"].values())
    contents = [content for one in refusals for content in one.get("content", {}).values()]
    schemas += [content["schema"] for content in contents if "schema" in content]
    for _, told in operations(made):
        schemas += [parameter["schema"] for parameter in told["parameters"]]
        for holder in (told.get("requestBody", {}), *told["responses"].values()):
            schemas += [content["schema"] for content in holder.get("content", {}).values() if "schema" in content]
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
    text = json.dumps(made)
    for kind, known in made["components"].items():
        named = {part.split('"')[0] for part in text.split(f"#/components/{kind}/")[1:]}
        assert named <= set(known)


def test_only_what_the_web_server_refuses_by_itself_has_no_text(made: dict[str, Any]) -> None:
    bare = {name for name, told in made["components"]["responses"].items() if not told.get("content")}
    assert {name[-3:] for name in bare} == {"414", "431"}


def test_parameters_in_the_path_are_all_declared(made: dict[str, Any]) -> None:
    for name, told in operations(made):
        wanted = {part[1:-1] for part in name.split("/") if part.startswith("{")}
        assert {one["name"] for one in told["parameters"] if one["in"] == "path"} == wanted, name


def test_errors_have_the_form_of_their_address(made: dict[str, Any]) -> None:
    def refused(path: str) -> dict[str, Any]:
        found: dict[str, Any] = made["paths"][path]["post"]["responses"]["400"]
        content: dict[str, Any] = made["components"]["responses"][found["$ref"].rpartition("/")[2]]["content"]
        return content

    assert refused("/api/w/{ws}/drafts") == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    assert list(refused("/api/w/{ws}/scripts/create")) == ["text/plain"]
    assert set(refused("/signin")) == {"text/html", "application/json"}


async def test_it_is_served_as_json_and_yaml_without_sign_in(made: dict[str, Any]) -> None:
    app = FastAPI()
    app.include_router(openapi_routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        plain = await client.get("/api/openapi.json")
        text = await client.get("/api/openapi.yaml")
    assert plain.headers["content-type"] == "application/json"
    assert plain.json() == json.loads(json.dumps(made)) == yaml.load(text.text, yaml.CSafeLoader)


def test_the_iteration_to_run_is_a_number_from_0_on_or_null(made: dict[str, Any]) -> None:
    body = made["paths"]["/api/w/{ws}/drafts/{draft_id}/run"]["post"]["requestBody"]["content"]["application/json"]
    validator = Draft202012Validator(body["schema"])
    assert "iteration" in body["schema"]["properties"]
    taken = [value for value in (0, 7, None, -1, "1", True, 1.5, 1 << 60) if validator.is_valid({"iteration": value})]
    assert taken == [0, 7, None]


def test_fields_in_words() -> None:
    assert object_of("a!: string, b: any") == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {}},
        "required": ["a"],
    }


@pytest.mark.parametrize(
    ("status", "media", "said"),
    [
        (200, "application/json", ""),
        (404, "text/plain", ""),
        (404, "application/json", "is application/json, the OpenAPI document says text/plain"),
        (418, "text/plain", "status 418 is not in the OpenAPI document"),
    ],
)
def test_what_the_document_does_not_know_is_found(status: int, media: str, said: str) -> None:
    request = httpx.Request("GET", "http://x/api/w/main/scripts/get/p/u/a/b")
    found = lie_in(httpx.Response(status, headers={"content-type": media}, request=request))
    assert said in found if said else found == ""
