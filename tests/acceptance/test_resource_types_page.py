"""The page of the types of resources: made, changed, found by their resources, deleted; and who only reads them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press, replace_text, tab_to
from tests.acceptance.product import Product

TYPES = "/api/w/main/resources/type"


def _clear(product: Product) -> None:
    """Tests of other files may have run on this server."""
    with product.client() as client:
        for found in client.get(f"{TYPES}/list").json():
            client.delete(f"{TYPES}/delete/{found['name']}").raise_for_status()


def _schema(product: Product, name: str) -> Any:
    with product.client() as client:
        return client.get(f"{TYPES}/get/{name}").raise_for_status().json()["schema"]


def test_a_type_is_made_by_keyboard_changed_used_and_deleted(page: Page, product: Product) -> None:
    _clear(product)
    page.goto("/resources")
    press(page, page.get_by_role("navigation", name="Resources and their types").get_by_role("link", name="Types"))
    expect(page.get_by_text("No types yet")).to_be_visible()
    shoot(page, "resource-types-empty")
    press(page, page.get_by_role("button", name="New type"))
    dialog = page.get_by_role("dialog", name="New type")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("page type")
    tab_to(page, dialog.get_by_label("Description"))
    page.keyboard.type("Of a shop")
    press(page, dialog.get_by_role("button", name="Field", exact=True))
    field = dialog.get_by_role("group", name="Field field")
    expect(field.get_by_label("Name")).to_be_focused()
    replace_text(page, "token")
    page.keyboard.press("Enter")
    field = dialog.get_by_role("group", name="Field token")
    tab_to(page, field.get_by_label("Type"))
    field.get_by_label("Type").select_option("secret")
    tab_to(page, field.get_by_label("required"))
    page.keyboard.press("Space")
    shoot(page, "resource-types-dialog")
    accessible(page, "[role=dialog]")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    press(page, dialog.get_by_role("button", name="Save"))
    expect(dialog.get_by_role("alert")).to_contain_text("cannot be the name of a resource type")
    dialog.get_by_label("Name", exact=True).fill("page_type")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has_text="page_type")
    expect(row).to_contain_text("Of a shop")
    made = _schema(product, "page_type")
    assert made["properties"] == {"token": {"type": "string", "format": "password"}}
    assert made["required"] == ["token"]
    with product.client() as client:
        body = {"path": "u/admin/page_shop", "resource_type": "page_type", "value": {}}
        client.post("/api/w/main/resources/create", json=body).raise_for_status()
    page.reload()
    expect(row).to_contain_text("1 resource")
    shoot(page, "resource-types")
    accessible(page)
    row.get_by_role("button", name="Delete page_type").click()
    asks = page.get_by_role("alertdialog")
    expect(asks).to_contain_text("resource u/admin/page_shop")
    expect(asks).to_contain_text("Its resources stay")
    asks.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    with product.client() as client:
        assert client.get("/api/w/main/resources/exists/u/admin/page_shop").json() is True


def test_a_schema_keeps_what_the_list_does_not_show(page: Page, product: Product) -> None:
    schema = {"$schema": "x", "properties": {"a": {"type": "string", "pattern": "^x", "vendor": [1]}}, "if": {}}
    with product.client() as client:
        body = {"name": "page_kept", "schema": schema, "description": "", "format_extension": "cfg"}
        client.post(f"{TYPES}/create", json=body).raise_for_status()
    page.goto("/resource-types")
    page.get_by_role("button", name="page_kept", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change type")
    dialog.get_by_label("Description").fill("Files")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _schema(product, "page_kept") == schema
    page.get_by_role("button", name="page_kept", exact=True).click()
    dialog.get_by_role("button", name="JSON Schema").click()
    text = dialog.get_by_label("Fields (JSON Schema)")
    text.fill('{"properties": 7}')
    expect(dialog.get_by_role("button", name="List", exact=True)).to_be_disabled()
    expect(dialog).to_contain_text("Not a schema of an object yet")
    text.fill('{"properties": ')
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not JSON")
    text.fill('{"properties": {"b": {"type": "string", "vendor": 2}}}')
    dialog.get_by_role("button", name="List", exact=True).click()
    dialog.get_by_role("button", name="Change the field b").click()
    dialog.get_by_label("required").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _schema(product, "page_kept") == {
        "properties": {"b": {"type": "string", "vendor": 2}},
        "required": ["b"],
    }
    with product.client() as client:
        assert client.get(f"{TYPES}/get/page_kept").json()["format_extension"] == "cfg"
