"""The page Settings: which model the workspace asks, with a key that goes in and never comes back; for how long what is kept."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, replace_text, tab_to
from tests.acceptance.product import Product
from tests.acceptance.test_model_proposals import Model, model

__all__ = ["model"]

KEY = "sk-acceptance-0815"


def test_a_model_is_chosen_tried_and_saved_by_keyboard(page: Page, model: Model) -> None:
    page.goto("/people")
    page.get_by_role("navigation", name="People and rights").get_by_role("link", name="Settings").click()
    region = page.get_by_role("region", name="The assistant’s model")
    expect(region).to_contain_text("This server has no model of its own")
    shoot(page, "settings-model")
    accessible(page)
    tried = region.get_by_label("Result of the test")
    tab_to(page, region.get_by_label("Address"))
    page.keyboard.type("http://127.0.0.1:9/v1")
    press(page, region.get_by_role("button", name="Test connection"))
    expect(tried).to_contain_text("The model's server cannot be reached.")
    shoot(page, "settings-model-failed")
    tab_to(page, region.get_by_label("Address"), back=True)
    replace_text(page, model.url)
    tab_to(page, region.get_by_label("Key"))
    page.keyboard.type(KEY)
    tab_to(page, region.get_by_label("Model for changes and explanations"))
    page.keyboard.type("large")
    tab_to(page, region.get_by_label("Tokens per message"))
    page.keyboard.type("12")
    press(page, region.get_by_role("button", name="Save"))
    expect(region.get_by_role("alert").filter(has_text="1000 or more")).to_be_visible()
    tab_to(page, region.get_by_label("Tokens per message"))
    replace_text(page, "16000")
    press(page, region.get_by_role("button", name="Save"))
    expect(region.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(region.get_by_role("button", name="Save")).to_be_focused()
    expect(region.get_by_label("Key")).to_have_value("")
    expect(region).to_contain_text("A key is set.")
    press(page, region.get_by_role("button", name="Test connection"), back=True)
    expect(tried).to_contain_text(
        re.compile(r"Changes and explanations: large at 127\.0\.0\.1:\d+ answers \(\d+\.\d s, 2 tokens\)")
    )
    expect(tried).to_contain_text("Connecting inputs: gpt-4o-mini at")
    shoot(page, "settings-model-works")
    accessible(page)
    page.reload()
    expect(region.get_by_label("Address")).to_have_value(model.url)
    expect(region.get_by_label("Tokens per message")).to_have_value("16000")
    assert KEY not in page.content()
    region.get_by_label("Address").fill("https://models.example.com/v1")
    region.get_by_role("button", name="Save").click()
    expect(region.get_by_text("belonged to another server and was forgotten")).to_be_visible()
    region.get_by_label("Address").fill("")
    region.get_by_label("Model for changes and explanations").fill("")
    region.get_by_label("Tokens per message").fill("")
    region.get_by_role("button", name="Save").click()
    expect(region.get_by_text("Saved.", exact=True)).to_be_visible()


def test_what_is_kept_is_set_by_keyboard(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("400")  # a resource that is not there
    page.goto("/settings")
    runs = page.get_by_role("group", name="Runs")
    files = page.get_by_role("group", name="Files of scripts")
    tab_to(page, runs.get_by_role("textbox"))
    page.keyboard.type("-1")
    press(page, runs.get_by_role("button", name="Save"))
    expect(runs.get_by_role("alert")).to_be_visible()
    tab_to(page, runs.get_by_role("textbox"), back=True)
    replace_text(page, "90")
    press(page, runs.get_by_role("button", name="Save"))
    expect(runs.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(runs.get_by_role("button", name="Save")).to_be_focused()
    tab_to(page, files.get_by_role("textbox"))
    page.keyboard.type("f/ops/none")
    press(page, files.get_by_role("button", name="Save"))
    expect(files.get_by_role("status")).to_contain_text("There is no resource f/ops/none.")
    shoot(page, "settings-kept")
    accessible(page)
    page.reload()
    expect(runs.get_by_role("textbox")).to_have_value("90")
    expect(files.get_by_role("textbox")).to_have_value("")
    with product.client() as client:
        where = "/api/w/main/workspaces/get_retention"
        assert client.get(where).json() == {"retention_days": 90, "is_default": False}
        runs.get_by_role("textbox").fill("")
        runs.get_by_role("button", name="Save").click()
        expect(runs.get_by_text("Saved.", exact=True)).to_be_visible()
        assert client.get(where).json() == {"retention_days": 30, "is_default": True}


def test_the_settings_are_for_admins(product: Product, elsewhere: BrowserContext, watch: Watch) -> None:
    watch.expect_error("403")
    with product.client() as client:
        account = {"email": "sette@example.org", "password": "long-enough-password", "username": "sette"}
        client.post("/api/users/create", json=account).raise_for_status()
        member = {"email": account["email"], "role": "developer"}
        client.post("/api/w/main/workspaces/add_user", json=member).raise_for_status()
        link = client.post("/api/users/sign_in_link", json={"username": "sette"}).raise_for_status().text
    page = elsewhere.new_page()
    page.goto(link.strip().strip('"'))
    page.goto("/settings")
    expect(page.get_by_text("The settings are for admins")).to_be_visible()
    expect(page.get_by_role("heading", name="What is kept")).to_have_count(0)
