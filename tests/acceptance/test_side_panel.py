"""Jobs 6 and 7: all static inputs in one place, and proposals that are accepted or refused one by one."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.intercept import intercept
from tests.acceptance.keys import press, replace_text, slow_frames, tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

LOAD = 'def main(days: int = 7, region: str = "all"):\n    return {"customer_name": "Ada", "amount": 12.5}\n'
SEND = 'def main(customer_name: str, amount: float, token: str = ""):\n    return [customer_name, amount]\n'


def opened(page: Page, product: Product) -> NotebookPage:
    """Two cells with static inputs, one of them a reference to a secret."""
    days = {"days": {"type": "static", "value": 30}, "region": {"type": "static", "value": "EU"}}
    token = {"token": {"type": "static", "value": "$var:u/admin/token"}}
    with product.client() as client:
        return open_flow(page, client, flow_of(python("a", LOAD, days, "Load"), python("b", SEND, token, "Send")))


def test_static_inputs_are_grouped_searched_and_edited_in_place(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    panel = page.get_by_role("complementary", name="Side panel")
    panel.get_by_role("tab", name="Static inputs").click()
    load = panel.get_by_role("region", name="a Load")
    expect(load.get_by_label("days of a")).to_have_value("30")
    expect(panel.get_by_role("region", name="b Send")).to_contain_text("ref")
    shoot(page, "notebook-static-inputs")

    panel.get_by_label("Find an input").fill("region")
    expect(load.get_by_label("days of a")).to_have_count(0)
    load.get_by_label("region of a").fill("US")
    page.keyboard.press("Enter")
    notebook.settled()
    expect(notebook.row("a", "region").get_by_label("region of a")).to_have_value("US")


def test_static_inputs_by_keyboard(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    panel = page.get_by_role("complementary", name="Side panel")
    notebook.select("b")
    page.keyboard.press("I")
    expect(panel.get_by_label("Find an input")).to_be_focused()
    page.keyboard.type("days")
    expect(panel.get_by_label("region of a")).to_have_count(0)
    tab_to(page, panel.get_by_label("days of a"))
    replace_text(page, "90")
    page.keyboard.press("Enter")
    notebook.settled()
    expect(notebook.row("a", "days").get_by_label("days of a")).to_have_value("90")
    page.keyboard.press("Escape")
    expect(notebook.cell("b")).to_be_focused()


TAKES_DAYS = "def main(days: int, region: str):\n    return [days, region]\n"


def test_a_fixed_value_becomes_an_input_of_the_flow_and_fixed_again(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    panel = page.get_by_role("complementary", name="Side panel")
    panel.get_by_role("button", name="More for a.days").click()
    page.get_by_role("menuitem", name="Make it an input of the flow").click()
    expect(notebook.row("a", "days").get_by_role("combobox")).to_have_value("flow_input.days")
    schema = notebook.exported()["schema"]
    assert (schema["properties"]["days"]["default"], schema["properties"]["days"]["type"]) == (30, "integer")
    assert schema["order"][-1] == "days"
    panel.get_by_role("button", name="More for a.region").click()
    page.get_by_role("menuitem", name="Make it a constant of the flow").click()
    expect(notebook.row("a", "region").get_by_role("combobox")).to_have_value("flow_env.region")
    assert notebook.exported()["value"]["flow_env"] == {"region": "EU"}
    shoot(page, "notebook-static-from-flow")
    panel.get_by_role("button", name="Make a.region a fixed value").click()
    panel.get_by_role("button", name="Make a.days a fixed value").click()
    notebook.settled()
    assert notebook.module("a")["value"]["input_transforms"] == {
        "days": {"type": "static", "value": 30},
        "region": {"type": "static", "value": "EU"},
    }


def test_the_same_value_in_several_cells_is_changed_in_all_or_made_one(page: Page, product: Product) -> None:
    static = {"days": {"type": "static", "value": 30}, "region": {"type": "static", "value": "EU"}}
    with product.client() as client:
        flow = flow_of(python("a", TAKES_DAYS, static), python("b", TAKES_DAYS, static))
        notebook = open_flow(page, client, flow)
    panel = page.get_by_role("complementary", name="Side panel")
    more = panel.get_by_role("button", name="More for b.region")
    more.click()
    page.get_by_role("menuitemradio", name="Change all 2 with this value together").click()
    expect(panel).to_contain_text("Changes a.region too")
    panel.get_by_label("region of b").fill("US")
    page.keyboard.press("Enter")
    expect(notebook.row("a", "region").get_by_label("region of a")).to_have_value("US")
    more.click()
    page.get_by_role("menuitem", name="One input of the flow for all 2").click()
    for step in ("a", "b"):
        expect(notebook.row(step, "region").get_by_role("combobox")).to_have_value("flow_input.region")
    page.keyboard.press("Escape")
    notebook.select("a")
    page.keyboard.press("z")
    expect(notebook.row("b", "region").get_by_label("region of b")).to_have_value("US")


def test_duplicates_are_found_and_made_one_with_a_press(page: Page, product: Product) -> None:
    def static(region: str, days: int) -> dict[str, Any]:
        return {"days": {"type": "static", "value": days}, "region": {"type": "static", "value": region}}

    europe = "https://example.org/europe"
    modules = [
        python("a", TAKES_DAYS, static(europe, 365)),
        python("b", TAKES_DAYS, static(europe, 365)),
        python("c", TAKES_DAYS, static("other", 7)),
        python("d", TAKES_DAYS, static(europe, 7)),
    ]
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(*modules))
    panel = page.get_by_role("complementary", name="Side panel")
    find = panel.get_by_role("button", name="Find duplicates")
    find.focus()
    page.keyboard.press("Enter")
    equal = panel.get_by_role("region", name="Duplicates")
    expect(equal.get_by_role("group")).to_have_count(2)  # 7 stands in two places by chance
    address = equal.get_by_role("group", name=europe)
    expect(address).to_contain_text("a.region, b.region, d.region")
    shoot(page, "notebook-duplicates")
    accessible(page, ".nb-equal")
    address.get_by_role("button", name="One input of the flow").click()
    for step in ("a", "b", "d"):
        expect(notebook.row(step, "region").get_by_role("combobox")).to_have_value("flow_input.region")
    expect(address).to_have_count(0)
    expect(find).to_be_focused()
    page.keyboard.press("Tab")  # the first place
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(equal.get_by_role("button", name="One constant")).to_be_focused()
    page.keyboard.press("Enter")
    for step in ("a", "b"):
        expect(notebook.row(step, "days").get_by_role("combobox")).to_have_value("flow_env.days")
    expect(equal).to_contain_text("No value stands in two places")
    exported = notebook.exported()
    assert exported["schema"]["properties"]["region"]["default"] == europe
    assert exported["value"]["flow_env"] == {"days": 365}


def test_a_secret_stays_where_it_is(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    page.get_by_role("button", name="More for b.token").click()
    item = page.get_by_role("menuitem", name="Make it an input of the flow")
    expect(item).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    assert notebook.module("b")["value"]["input_transforms"]["token"]["value"] == "$var:u/admin/token"


def test_proposals_are_accepted_and_refused_one_by_one_and_undone(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.cell("b").hover()
    notebook.cell("b").get_by_role("button", name="Connect inputs").click()
    panel = page.get_by_role("complementary", name="Side panel")
    expect(panel.get_by_text("results.a.customer_name")).to_be_visible()
    expect(panel.get_by_text("results.a.amount")).to_be_visible()
    expect(panel).to_contain_text("12.5")
    shoot(page, "notebook-connect")
    panel.get_by_role("button", name="Accept amount").click()
    panel.get_by_role("button", name="Refuse customer_name").click()
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.amount")
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_count(0)
    notebook.select("b")
    page.keyboard.press("z")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_count(0)


def test_all_that_evaluate_are_accepted_at_once_and_another_choice_is_evaluated(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")

    def with_a_failing_one(route: Route) -> None:
        answer = route.fetch().json()
        by_field = {item["field"]: item for item in answer["proposals"]}
        by_field["amount"]["evaluated"] = {"ok": False, "text": "TypeError: it is not there"}
        by_field["customer_name"]["alternatives"] = ["results.a.amount", "String(results.a.amount)"]
        route.fulfill(json=answer)

    intercept(page, "**/connect", with_a_failing_one)
    notebook.select("b")
    page.keyboard.press("w")
    panel = page.get_by_role("complementary", name="Side panel")
    customer = panel.get_by_role("listitem").filter(has=page.get_by_role("button", name="Accept customer_name"))
    customer.get_by_role("button", name="results.a.amount", exact=True).click()
    expect(customer).to_contain_text("= 12.5")
    expect(customer).to_contain_text("customer_name takes a text, and this is a number.")
    expect(panel.get_by_role("button", name="without errors")).to_have_count(
        0
    )  # a value that does not fit is an error too
    shoot(page, "connect-with-an-error")
    customer.get_by_role("button", name="String(results.a.amount)").click()
    expect(customer).to_contain_text("= 12.5")
    panel.get_by_role("button", name="Accept the one without errors").click()
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_value("String(results.a.amount)")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_count(0)
    expect(panel.get_by_role("button", name="Accept amount")).to_be_visible()
    expect(panel.get_by_role("button", name="Accept", exact=True)).to_have_count(0)


def test_a_choice_that_is_not_evaluated_is_not_accepted_with_the_others(
    page: Page, product: Product, watch: Watch
) -> None:
    watch.expect_error("422")
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    held: list[Route] = []

    def with_a_choice(route: Route) -> None:
        answer = route.fetch().json()
        next(item for item in answer["proposals"] if item["field"] == "customer_name")["alternatives"] = ["results.a"]
        route.fulfill(json=answer)

    intercept(page, "**/connect", with_a_choice)
    intercept(page, "**/preview", lambda route: held.append(route))
    notebook.select("b")
    page.keyboard.press("w")
    panel = page.get_by_role("complementary", name="Side panel")
    customer = panel.get_by_role("listitem").filter(has=page.get_by_role("button", name="Accept customer_name"))
    with page.expect_request("**/preview"):
        customer.get_by_role("button", name="results.a", exact=True).click()
    expect(panel.get_by_role("button", name="Accept the one without errors")).to_be_visible()
    (asked,) = held
    asked.fulfill(status=422, json={"error": {"code": "x", "message": "It takes too long.", "hint": ""}})
    expect(customer).to_contain_text("Not evaluated: It takes too long.")
    panel.get_by_role("button", name="Accept the one without errors").click()
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.amount")
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_count(0)
    customer.get_by_role("button", name="Accept customer_name").click()  # knowingly, by itself
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_value("results.a")


def test_proposals_by_keyboard(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    slow_frames(page)
    notebook.select("b")
    page.keyboard.press("w")
    page.evaluate("() => new Promise(done => requestAnimationFrame(done))")  # after those asked for before the key
    expect(page.get_by_role("button", name="Accept customer_name")).to_be_focused()
    press(page, page.get_by_role("button", name="Refuse customer_name"))
    accept = page.get_by_role("button", name="Accept amount")
    expect(accept).to_be_focused()  # the next one, without a search for it
    page.keyboard.press("Enter")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.amount")
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(notebook.cell("b")).to_be_focused()
    page.keyboard.press("z")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_count(0)
    page.keyboard.press("w")
    press(page, page.get_by_role("button", name="Accept both"))
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.amount")
    expect(notebook.row("b", "customer_name").get_by_role("combobox")).to_have_value("results.a.customer_name")


def test_who_walks_faster_than_the_page_draws_is_not_led_back(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    slow_frames(page)
    page.evaluate(
        "() => { window.led = []; document.addEventListener('focusin', (event) => window.led.push(event.target.dataset.cell)) }"
    )
    for key in "jkj":
        page.keyboard.press(key)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    a, b = (notebook.cell(step).get_attribute("data-cell") for step in "ab")
    led = page.evaluate("window.led")
    assert [cell for at, cell in enumerate(led) if cell != led[at - 1] or at == 0] == [b, a, b]


def test_a_cell_that_is_connected_is_told_so_and_nothing_else(page: Page, product: Product) -> None:
    wired = {"customer_name": wire("results.a.customer_name"), "amount": wire("results.a.amount"), "token": wire("'t'")}
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LOAD), python("b", SEND, wired)))
    notebook.select("b")
    page.keyboard.press("w")
    panel = page.get_by_role("complementary", name="Side panel")
    expect(panel).to_contain_text("All inputs of this cell are connected already.")
    expect(panel).not_to_contain_text("Nothing earlier fits")


def test_asking_a_model_that_is_not_configured_says_so(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.select("b")
    page.keyboard.press("w")
    panel = page.get_by_role("complementary", name="Side panel")
    panel.get_by_role("button", name="Ask the model").click()
    expect(panel.locator(".nb-notice")).to_contain_text("OPENAI_API_KEY")
    expect(panel.get_by_text("results.a.amount")).to_be_visible()


def test_duplicates_are_looked_for_only_among_fixed_values(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    expect(page.get_by_text("No fixed values.")).to_be_visible()
    expect(page.get_by_role("button", name="Find duplicates")).to_have_count(0)
    with product.client() as client:
        open_flow(
            page,
            client,
            flow_of(python("a", "def main(x: int):\n    return x\n", {"x": {"type": "static", "value": 7}})),
        )
    expect(page.get_by_role("button", name="Find duplicates")).to_be_visible()
