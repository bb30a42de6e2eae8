"""The dialog of a resource: the form of its type, secrets in it, JSON beside it, and what of it is kept."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, replace_text, slow_drawing, tab_to
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, python, wire
from tests.acceptance.product import Product

SHOP = {
    "type": "object",
    "required": ["host", "port"],
    "order": ["host", "port", "password", "tls", "mode", "options"],
    "properties": {
        "host": {"type": "string", "description": "Name or address of the server"},
        "port": {"type": "integer", "default": 5432, "minimum": 1},
        "password": {"type": "string", "format": "password"},
        "tls": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["read", "write"]},
        "options": {"type": "object"},
    },
}
RESOURCES = "/api/w/main/resources"


def _type(product: Product, name: str, schema: dict[str, Any] = SHOP) -> None:
    with product.client() as client:
        body = {"name": name, "description": "Where orders are", "schema": schema}
        client.post(f"{RESOURCES}/type/create", json=body).raise_for_status()


def _stored(product: Product, path: str) -> Any:
    with product.client() as client:
        return client.get(f"{RESOURCES}/get_value/{path}").raise_for_status().json()


def _store(product: Product, path: str, kind: str, value: Any) -> None:
    with product.client() as client:
        body = {"path": path, "resource_type": kind, "value": value}
        client.post(f"{RESOURCES}/create", json=body).raise_for_status()


def _opened(page: Page, path: str) -> Locator:
    page.goto("/resources")
    page.get_by_role("button", name=path, exact=True).click()
    return page.get_by_role("dialog", name="Change resource")


def test_a_type_gives_the_form_and_a_secret_is_made_in_it(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("422")  # a path that is none
    _type(product, "form_shop")
    slow_drawing(page)
    page.goto("/resources")
    page.get_by_role("button", name="New resource").click()
    dialog = page.get_by_role("dialog", name="New resource")
    expect(dialog.get_by_label("Value (JSON)")).to_be_visible()
    expect(dialog).to_contain_text("A resource of any type is written as JSON.")
    dialog.get_by_label("Type").fill("form_sho")
    expect(dialog).to_contain_text("No type form_sho is described in this workspace")
    dialog.get_by_label("Type").fill("form_shop")
    expect(dialog).to_contain_text("Where orders are")
    dialog.get_by_label("Path").fill("u/admin/form_new")
    expect(dialog.get_by_label("port")).to_have_value("5432")
    dialog.get_by_label("port").fill("many")
    dialog.get_by_role("button", name="Save").click()
    host = dialog.get_by_label("host")
    expect(host).to_be_focused()
    expect(dialog.get_by_role("alert").filter(has_text="Needed.")).to_be_visible()
    expect(dialog.get_by_role("alert").filter(has_text="Must be a whole number.")).to_be_visible()
    expect(dialog.get_by_label("port")).to_have_value("many")
    shoot(page, "resource-form-refused")
    host.fill("db.example.org")
    dialog.get_by_label("port").fill("5433")
    dialog.get_by_label("password").fill("hunter22")
    dialog.get_by_role("button", name="New secret for password").click()
    maker = dialog.get_by_role("group", name="New secret for password")
    expect(maker.get_by_label("Kept as the variable")).to_have_value("u/admin/form_new_password")
    shoot(page, "resource-form-secret")
    accessible(page, "[role=dialog]")
    maker.get_by_label("Kept as the variable").fill("not a path")
    maker.get_by_role("button", name="Make the secret").click()
    expect(maker.get_by_role("alert")).to_contain_text("is not a path")
    maker.get_by_label("Kept as the variable").fill("u/admin/form_new_password")
    maker.get_by_label("Kept as the variable").press("Enter")
    expect(maker).to_have_count(0)
    expect(dialog.get_by_label("password")).to_have_value("$var:u/admin/form_new_password")
    expect(dialog.get_by_label("password")).to_be_focused()
    dialog.get_by_label("tls").check()
    dialog.get_by_label("mode").select_option("write")
    dialog.get_by_label("options").fill('{"pool": 3}')
    shoot(page, "resource-form")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_new") == {
        "host": "db.example.org",
        "port": 5433,
        "password": "$var:u/admin/form_new_password",
        "tls": True,
        "mode": "write",
        "options": {"pool": 3},
    }
    with product.client() as client:
        assert client.get("/api/w/main/variables/get_value/u/admin/form_new_password").json() == "hunter22"


def test_a_stored_value_opens_in_the_form_and_loses_nothing(page: Page, product: Product) -> None:
    _type(product, "form_kept")
    value = {"extra": [1, {"a": None}], "host": {"not": "a text"}, "port": "$var:u/admin/port", "more": True}
    _store(product, "u/admin/form_kept", "form_kept", value)
    dialog = _opened(page, "u/admin/form_kept")
    expect(dialog.get_by_label("port")).to_have_value("$var:u/admin/port")
    expect(dialog.get_by_label("host")).to_have_value('{\n  "not": "a text"\n}')
    expect(dialog.get_by_role("listitem")).to_have_text(["extra", "more"])
    dialog.get_by_label("Description").fill("Only this is new")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert").filter(has_text="Must be text.")).to_be_visible()
    dialog.get_by_label("host").fill('"shop"')
    dialog.get_by_label("mode").select_option("read")
    dialog.get_by_role("button", name="JSON").click()
    text = dialog.get_by_label("Value (JSON)")
    wanted = {**value, "host": "shop", "mode": "read"}
    assert page.evaluate("(text) => JSON.parse(text)", text.input_value()) == wanted
    text.fill('{"host": "shop",')
    expect(dialog.get_by_role("button", name="Form", exact=True)).to_be_disabled()
    expect(dialog).to_contain_text("The text is not JSON yet.")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert").filter(has_text="not JSON")).to_be_visible()
    text.fill('{"host": "other", "more": true, "big": 1}')
    dialog.get_by_role("button", name="Form", exact=True).click()
    expect(dialog.get_by_label("host")).to_have_value("other")
    dialog.get_by_role("button", name="Take away big").click()
    dialog.get_by_label("port").fill("80")
    shoot(page, "resource-form-kept")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_kept") == {"host": "other", "more": True, "port": 80}


def test_what_nobody_changes_is_stored_as_it_was(page: Page, product: Product) -> None:
    _type(product, "form_same")
    value = {"port": 7, "host": "a", "password": "in\nlines", "tls": None, "unknown": 1}
    _store(product, "u/admin/form_same", "form_same", value)
    _store(product, "u/admin/form_big", "form_same", {"port": 12345678901234567890, "host": "a"})
    dialog = _opened(page, "u/admin/form_same")
    expect(dialog.get_by_label("password")).to_have_value("in\nlines")
    dialog.get_by_label("Description").fill("new words")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("listitem").filter(has_text="u/admin/form_same")).to_contain_text("new words")
    stored = _stored(product, "u/admin/form_same")
    assert (stored, list(stored)) == (value, list(value))  # no default, and the same order
    dialog = _opened(page, "u/admin/form_big")
    expect(dialog).to_contain_text("too large for a form")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_big")["port"] == 12345678901234567890


def test_a_form_that_was_typed_in_survives_a_refusal_and_another_type(page: Page, product: Product) -> None:
    _type(product, "form_one")
    _type(product, "form_two", {"properties": {"host": {"type": "string"}, "bucket": {"type": "string"}}})
    page.goto("/resources")
    page.get_by_role("button", name="New resource").click()
    dialog = page.get_by_role("dialog", name="New resource")
    dialog.get_by_label("Type").fill("form_one")
    dialog.get_by_label("host").fill("kept.example.org")
    dialog.get_by_label("mode").select_option("write")
    dialog.get_by_label("Path").fill("no path")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert").filter(has_text="is not a path")).to_be_visible()
    expect(dialog.get_by_label("host")).to_have_value("kept.example.org")
    dialog.get_by_label("Type").fill("form_two")
    expect(dialog.get_by_label("bucket")).to_have_value("")
    expect(dialog.get_by_label("host")).to_have_value("kept.example.org")
    expect(dialog.get_by_role("listitem")).to_have_text(["mode"])  # the port was only the other type's default
    dialog.get_by_label("Type").fill("form_one")
    expect(dialog.get_by_label("mode")).to_have_value("1")
    dialog.get_by_label("Path").fill("u/admin/form_turned")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_turned") == {"host": "kept.example.org", "port": 5432, "mode": "write"}


def test_the_form_is_filled_by_keyboard_alone(page: Page, product: Product) -> None:
    _type(
        product,
        "form_keys",
        {"properties": {"host": {"type": "string"}, "token": {"type": "string", "format": "password"}}},
    )
    with product.client() as client:
        secret = {"path": "u/admin/form_token", "value": "x", "is_secret": True, "description": ""}
        client.post("/api/w/main/variables/create", json=secret).raise_for_status()
    page.goto("/resources")
    press(page, page.get_by_role("button", name="New resource"))
    dialog = page.get_by_role("dialog", name="New resource")
    expect(dialog.get_by_label("Path")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("form_keys")
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Type")).to_be_focused()
    page.keyboard.type("form_keys")
    expect(dialog.get_by_label("host")).to_be_visible()
    tab_to(page, dialog.get_by_label("host"))
    page.keyboard.type("h")
    press(page, dialog.get_by_role("button", name="Use a secret for token"))
    token = dialog.get_by_label("token")
    expect(token).to_be_focused()
    page.keyboard.type("form_token")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert").filter(has_text="Write $var:")).to_be_visible()
    expect(token).to_be_focused()
    replace_text(page, "$var:u/admin/form_token")
    press(page, dialog.get_by_role("button", name="JSON"), back=True)
    expect(dialog.get_by_label("Value (JSON)")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(token).to_have_value("$var:u/admin/form_token")
    press(page, dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_keys") == {"host": "h", "token": "$var:u/admin/form_token"}


def test_fields_may_be_called_as_those_of_the_dialog(page: Page, product: Product) -> None:
    names = ("path", "value", "description", "resource_type")
    _type(product, "form_names", {"properties": {name: {"type": "string", "title": f"Its {name}"} for name in names}})
    page.goto("/resources")
    page.get_by_role("button", name="New resource").click()
    dialog = page.get_by_role("dialog", name="New resource")
    dialog.get_by_label("Type").fill("form_names")
    dialog.get_by_label("Path", exact=True).fill("u/admin/form_names")
    for name in names:
        dialog.get_by_label(f"Its {name}").fill(f"inner {name}")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_names") == {name: f"inner {name}" for name in names}


def test_without_the_list_of_types_a_resource_is_json(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("503")
    _type(product, "form_unread")
    _store(product, "u/admin/form_unread", "form_unread", {"host": "a", "port": 1})
    page.route(
        "**/resources/type/list", lambda route: route.fulfill(status=503, json={"message": "Down for a minute."})
    )
    dialog = _opened(page, "u/admin/form_unread")
    expect(dialog).to_contain_text("The types could not be read, so there is no form: Down for a minute.")
    expect(dialog.get_by_label("Value (JSON)")).to_have_value('{\n  "host": "a",\n  "port": 1\n}')


def test_a_run_takes_a_stored_secret_by_its_name(page: Page, product: Product) -> None:
    secret = {"path": "u/admin/form_run", "value": "seven77", "is_secret": True, "description": ""}
    field = {"type": "string", "format": "password", "minLength": 40}  # a reference is no text of its own
    schema = {"type": "object", "properties": {"token": field, "name": {"type": "string"}}, "required": ["token"]}
    cell = python("a", "def main(token: str):\n    return len(token)\n", {"token": wire("flow_input.token")})
    with product.client() as client:
        client.post("/api/w/main/variables/create", json=secret).raise_for_status()
        made = client.post("/api/w/main/drafts", json={"flow": flow_of(cell, schema=schema)}).raise_for_status().json()
        deploy = {"path": "f/team/form_run", "message": "first"}
        client.post(f"/api/w/main/drafts/{made['id']}/deploy", json=deploy).raise_for_status()
        page.goto("/run/f/team/form_run")
        expect(page.get_by_label("token")).to_have_attribute("type", "password")
        expect(page.get_by_role("button", name="Use a variable")).to_have_count(0)  # of a text that is no secret
        page.get_by_role("button", name="Use a secret for token").click()
        page.get_by_label("token").fill("$var:u/admin/form_run")
        shoot(page, "run-form-secret")
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_url("**/runs/*")
        expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
        run = page.url.rpartition("/")[2]
        done = client.get(f"/api/w/main/jobs_u/completed/get/{run}").raise_for_status().json()
    assert (done["result"], done["args"]["token"]) == (7, "$var:u/admin/form_run")


def test_json_that_is_not_whole_is_not_sent_as_what_it_was_before(page: Page, product: Product) -> None:
    _type(product, "form_whole")
    _store(product, "u/admin/form_whole", "form_whole", {"host": "a", "port": 1, "options": {"old": 1}})
    dialog = _opened(page, "u/admin/form_whole")
    dialog.get_by_label("options").fill('{"new": ')
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("options")).to_be_focused()
    expect(dialog.get_by_role("alert").filter(has_text="Not JSON yet.")).to_be_visible()
    dialog.get_by_label("options").fill('{"new": 2}')
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert _stored(product, "u/admin/form_whole")["options"] == {"new": 2}
