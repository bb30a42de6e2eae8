"""The pages of scripts: made, edited, run, kept unsaved, saved, in conflict, restored, archived."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, tab_to
from tests.acceptance.notebook_page import RUN_TIMEOUT
from tests.acceptance.product import Product

W = "/api/w/main"
#: On one line: the editor would indent what is put in at once.
SHORT = 'def main(name: str, times: int = 2): print("greeting"); return [f"Hello {name}"] * times'
GREET = 'def main(name: str, times: int = 2):\n    print("greeting")\n    return [f"Hello {name}"] * times\n'


def store(product: Product, path: str, content: str = GREET, **more: Any) -> str:
    body = {"path": path, "content": content, "language": "python3", "summary": "Greets", **more}
    with product.client() as client:
        return client.post(f"{W}/scripts/create", json=body).raise_for_status().text


def open_script(page: Page, path: str) -> Locator:
    """Its page, with the editor there."""
    page.goto(f"/scripts/p/{path}")
    code = page.get_by_role("region", name="Code")
    expect(code.locator(".monaco-editor .view-line").first).to_be_visible(timeout=RUN_TIMEOUT)
    return code


def type_at_end(page: Page, code: Locator, text: str) -> None:
    code.locator(".view-lines").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def content(product: Product, path: str) -> str:
    with product.client() as client:
        return client.get(f"{W}/scripts/raw/p/{path}").raise_for_status().text


def test_a_script_is_made_run_saved_and_archived(page: Page, product: Product) -> None:
    with product.client() as client:  # those of other tests
        for path in client.get(f"{W}/scripts/list_paths").json():
            client.post(f"{W}/scripts/archive/p/{path}").raise_for_status()
    page.goto("/")
    page.get_by_role("link", name="Scripts").click()
    expect(page.get_by_text("No scripts yet")).to_be_visible()
    shoot(page, "scripts-empty")
    page.get_by_role("button", name="New script").click()
    dialog = page.get_by_role("dialog", name="New script")
    expect(dialog.get_by_label("Path")).to_have_value("u/admin/")
    dialog.get_by_label("Path").fill("u/admin/no good")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not a path")
    shoot(page, "scripts-dialog")
    dialog.get_by_label("Path").fill("u/admin/hello")
    dialog.get_by_label("Summary").fill("Says hello")
    dialog.get_by_role("button", name="Create").click()
    page.wait_for_url("**/scripts/p/u/admin/hello")
    expect(page.get_by_role("heading", name="Says hello")).to_be_visible()
    code = page.get_by_role("region", name="Code")
    expect(code.locator(".monaco-editor .view-line").first).to_be_visible(timeout=RUN_TIMEOUT)
    trial = page.get_by_role("region", name="Run")
    expect(trial.get_by_label(re.compile("^x"))).to_have_value("world")

    code.locator(".view-lines").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(SHORT)
    expect(page.get_by_text("Not saved, kept in this browser")).to_be_visible()
    trial.get_by_label(re.compile("^name")).fill("Ada")
    trial.get_by_role("button", name="Run this text").click()
    expect(trial.get_by_text("Hello Ada").first).to_be_visible(timeout=RUN_TIMEOUT)
    trial.get_by_role("tab", name=re.compile("^Logs")).click()
    expect(trial.get_by_role("log")).to_contain_text("greeting")
    trial.get_by_role("tab", name=re.compile("^(Json|JSON)")).click()
    shoot(page, "script")
    assert "Hello {x}" in content(product, "u/admin/hello")  # running stores nothing

    page.get_by_role("button", name="Save version").click()
    expect(page.locator(".run-title .badge")).to_have_text("Saved")
    assert content(product, "u/admin/hello") == SHORT
    with product.client() as client:
        schema = client.get(f"{W}/scripts/get/p/u/admin/hello").json()["schema"]
    assert schema["required"] == ["name"]
    trial.get_by_role("button", name=re.compile("^Version ")).click()
    trial.get_by_role("button", name=re.compile("^Run [0-9a-f]{8}$")).click()
    expect(trial.get_by_role("link", name=re.compile(r"^Run #"))).to_be_visible()
    expect(trial.get_by_text("Hello Ada").first).to_be_visible(timeout=RUN_TIMEOUT)
    accessible(page)

    page.get_by_role("button", name="Archive").click()
    asks = page.get_by_role("dialog", name="Archive this script?")
    expect(asks).to_contain_text("used by nothing that you can see")
    asks.get_by_role("button", name="Archive", exact=True).click()
    page.wait_for_url(re.compile("/scripts/?$"))
    expect(page.get_by_text("No scripts yet")).to_be_visible()


def test_unsaved_text_outlives_a_reload_and_is_never_stored_over_anothers(
    page: Page, product: Product, watch: Watch
) -> None:
    watch.expect_error("400")  # the version that is refused
    store(product, "f/kept/mail")
    code = open_script(page, "f/kept/mail")
    type_at_end(page, code, "# mine")
    expect(page.get_by_text("Not saved, kept in this browser")).to_be_visible()
    page.reload()
    expect(code).to_contain_text("# mine", timeout=RUN_TIMEOUT)
    page.get_by_role("button", name="Discard changes").click()
    expect(code).not_to_contain_text("# mine")
    page.get_by_role("button", name="Bring them back").click()
    expect(code).to_contain_text("# mine")

    with product.client() as client:  # somebody else, meanwhile
        theirs = {"content": GREET + "# theirs\n", "language": "python3", "summary": "Greets all"}
        client.post(f"{W}/scripts/update/f/kept/mail", json=theirs).raise_for_status()
    page.get_by_role("button", name="Save version").click()
    choice = page.get_by_role("alert", name="Two versions")
    expect(choice).to_contain_text("− # theirs")
    expect(choice).to_contain_text("+ # mine")
    assert content(product, "f/kept/mail").endswith("# theirs\n")
    shoot(page, "script-conflict")
    page.reload()  # the choice is still open after a reload
    expect(choice).to_contain_text("+ # mine", timeout=RUN_TIMEOUT)
    choice.get_by_role("button", name="Save mine as the next version").click()
    expect(page.locator(".run-title .badge")).to_have_text("Saved")
    assert content(product, "f/kept/mail").endswith("# mine")

    versions = page.get_by_role("region", name="Versions")
    rows = versions.get_by_role("listitem")
    expect(rows).to_have_count(3)
    rows.nth(0).get_by_role("button").first.click()
    expect(rows.nth(0)).to_contain_text("+ # mine")
    rows.nth(1).get_by_role("button").first.click()
    shoot(page, "script-versions")
    rows.nth(1).get_by_role("button", name="Restore").click()
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("Restores ")
    assert content(product, "f/kept/mail").endswith("# theirs\n")
    expect(code).to_contain_text("# theirs")


def test_who_uses_a_script_is_shown_before_it_is_archived(page: Page, product: Product) -> None:
    store(product, "f/used/mail")
    store(product, "f/used/other", "from f.used.mail import main as greet\n\ndef main():\n    return greet('Bo')\n")
    step = {"id": "a", "value": {"type": "script", "path": "f/used/mail", "input_transforms": {}}}
    with product.client() as client:
        flow = {"path": "f/used/flow", "summary": "", "value": {"modules": [step]}}
        client.post(f"{W}/flows/create", json=flow).raise_for_status()
    open_script(page, "f/used/mail")
    page.get_by_role("button", name="Archive").click()
    asks = page.get_by_role("dialog", name="Archive this script?")
    expect(asks.get_by_role("listitem")).to_have_text(["flow f/used/flow", "script f/used/other"])
    shoot(page, "script-archive")
    asks.get_by_role("button", name="Keep it").click()
    page.goto("/scripts")
    for number in range(5):
        store(product, f"f/used/n{number}", language="bash", content="echo 1\n")
    page.reload()
    page.get_by_label("Find a script").fill("other")
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(1)
    page.get_by_label("Find a script").fill("nothing like it")
    expect(page.get_by_text("No script matches.")).to_be_visible()
    page.get_by_label("Find a script").fill("")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    shoot(page, "scripts")
    accessible(page)


def test_a_script_by_keyboard(page: Page, product: Product) -> None:
    store(product, "f/keys/hello")
    code = open_script(page, "f/keys/hello")
    tab_to(page, page.get_by_label("Summary"))
    page.keyboard.type(" people")
    tab_to(page, page.get_by_role("group", name="Code: Enter edits, Escape leaves"))
    page.keyboard.press("Enter")
    page.keyboard.press("Control+End")
    page.keyboard.type("# by keys")
    expect(code).to_contain_text("# by keys")
    page.keyboard.press("Escape")
    press(page, page.get_by_role("button", name="Save version"), back=True)
    expect(page.locator(".run-title .badge")).to_have_text("Saved")
    assert content(product, "f/keys/hello").endswith("# by keys")
    trial = page.get_by_role("region", name="Run")
    tab_to(page, trial.get_by_label(re.compile("^name")))
    page.keyboard.type("Bo")
    page.keyboard.press("Control+Enter")
    expect(trial.get_by_text("Hello Bo").first).to_be_visible(timeout=RUN_TIMEOUT)
    newest = page.get_by_role("region", name="Versions").get_by_role("listitem").first.get_by_role("button").first
    press(page, newest)
    expect(newest).to_have_attribute("aria-expanded", "true")


def test_a_script_that_is_not_there(page: Page, watch: Watch) -> None:
    watch.expect_error("404")
    page.goto("/scripts/p/f/none/such")
    expect(page.get_by_role("heading", name="There is no such script")).to_be_visible()
    page.get_by_role("link", name="All scripts").click()
    page.wait_for_url(re.compile("/scripts/?$"))


def test_whoever_may_only_look_sees_code_and_versions_and_no_way_to_change_them(
    stranger: Page, product: Product
) -> None:
    store(product, "f/looked/at")
    with product.client() as client:
        folder = {"name": "looked", "extra_perms": {"u/vera": False}}
        client.post(f"{W}/folders/create", json=folder)
        client.post(f"{W}/workspaces/add_user", json={"email": "vera@example.org", "role": "viewer"}).raise_for_status()
        link = client.post("/api/users/sign_in_link", json={"username": "vera"}).raise_for_status().text
    stranger.goto(link[link.index("/signin") :])
    code = open_script(stranger, "f/looked/at")
    expect(stranger.get_by_text("You may look at this script and not change it.")).to_be_visible()
    expect(stranger.get_by_label("Summary")).not_to_be_editable()
    expect(stranger.get_by_label("Language")).to_be_disabled()
    code.locator(".view-lines").first.click()
    stranger.keyboard.type("x")
    expect(code.get_by_text("Cannot edit in read-only editor")).to_be_visible()
    expect(stranger.locator(".run-title .badge")).to_have_count(0)
    for name in ("Save version", "Archive", "Webhook"):
        expect(stranger.get_by_role("button", name=name)).to_have_count(0)
    expect(stranger.get_by_role("region", name="Run")).to_have_count(0)
    expect(stranger.get_by_role("region", name="Versions").get_by_role("listitem")).to_have_count(1)
    shoot(stranger, "script-viewer")
