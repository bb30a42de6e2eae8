"""Two people change one flow: the second to deploy sees what the first did, decides, and nothing of either is lost."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.colleagues import PASSWORD, account
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, replace_text, tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

LOAD = "def main():\n    return [1, 2, 3]\n"
COUNT = "def main(rows: list):\n    return len(rows)\n"
LONG = "".join(f"def line_{n}():\n    return 'a rather long line of code, number {n}' * {n}\n\n" for n in range(40))


def deploy(page: Page, message: str) -> None:
    """By the dialog, as a person does."""
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What changed").fill(message)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog).to_have_count(0)


def deployed(product: Product, path: str) -> dict[str, Any]:
    """The flow as it runs."""
    with product.client() as client:
        flow: dict[str, Any] = client.get(f"/api/w/main/flows/get/{path}").json()
    return flow


def code_of(flow: dict[str, Any], step: str) -> str:
    """The code of a step of a flow."""
    return next(str(module["value"]["content"]) for module in flow["value"]["modules"] if module["id"] == step)


def colleague(context: BrowserContext, product: Product, path: str) -> NotebookPage:
    """Ada's own draft of the flow, in her browser."""
    with product.client() as client:
        email = account(client, f"ada_{uuid.uuid4().hex[:6]}", "Ada Byron")
    page = context.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/signin" not in url)
    draft = page.request.post(f"/api/w/main/flows/edit/{path}", headers={"origin": product.url}).json()["id"]
    page.goto(f"/flows/{draft}")
    return NotebookPage(page).loaded()


def sides(dialog: Locator, step: str) -> tuple[Locator, Locator]:
    """The two choices about a cell: theirs and mine."""
    card = dialog.get_by_role("group").filter(has=dialog.page.locator("legend").get_by_text(step, exact=True))
    return card.get_by_role("radio", name="Take theirs"), card.get_by_role("radio", name="Keep mine")


def test_two_people_deploy_and_the_second_decides(page: Page, elsewhere: BrowserContext, product: Product) -> None:
    with product.client() as client:
        flow = flow_of(python("a", LOAD, {}, "Load"), python("b", COUNT, {"rows": wire("results.a")}, "Count"))
        mine = open_flow(page, client, flow)
        path = client.get(f"/api/w/main/drafts/{mine.draft_id}/notebook").json()["draft"]["path"]
    deploy(page, "The first one")
    hers = colleague(elsewhere, product, path)
    hers.set_code("a", LOAD.replace("3]", "3, 4]"))
    hers.set_code("b", COUNT.replace("len(rows)", "sum(rows)"))
    hers.settled()
    deploy(hers.page, "One row more")
    mine.set_code("a", LOAD.replace("[1,", "[0, 1,"))
    mine.settled()

    # who opens a draft that is behind sees so
    page.reload()
    mine = NotebookPage(page).loaded()
    expect(page.get_by_role("button", name="v2 is newer")).to_be_visible()
    shoot(page, "notebook-behind")

    # by keyboard from here: the message is typed once, the choice is made by the arrows
    mine.select("a")
    press(page, page.get_by_role("button", name="Deploy", exact=True))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("deployed version 2")
    shoot(page, "notebook-deploy-behind")
    tab_to(page, dialog.get_by_label("What changed"))
    replace_text(page, "A row before")
    press(page, dialog.get_by_role("button", name="Compare and take it in…"))
    dialog = page.get_by_role("dialog", name="Version 2 and your draft")
    theirs, own = sides(dialog, "a")
    expect(theirs).to_be_focused()
    expect(dialog).to_contain_text("One row more")
    expect(dialog.get_by_role("status")).to_contain_text("1 choice to make")
    take = dialog.get_by_role("button", name="Take it into the draft")
    expect(take).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(own).to_be_checked()
    shoot(page, "notebook-merge")
    press(page, take)
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("since v2")).to_be_visible()
    expect(page.get_by_text("is newer")).to_have_count(0)
    expect(mine.cell("b")).to_contain_text("sum(rows)")
    expect(mine.cell("a")).to_contain_text("[0, 1, 2, 3]")
    assert "3, 4]" in code_of(deployed(product, path), "a"), "nothing is deployed yet"

    # taken back the draft is as it was, and still not to be deployed over hers
    page.locator(".nb-toast", has_text="Version 2").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("since v1")).to_be_visible()
    expect(mine.cell("b")).to_contain_text("len(rows)")
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("What changed")).to_have_value("A row before")
    dialog.get_by_role("button", name="Compare and take it in…").click()
    dialog = page.get_by_role("dialog", name="Version 2 and your draft")
    sides(dialog, "a")[1].check()
    dialog.get_by_role("button", name="Take it into the draft").click()
    expect(page.get_by_text("since v2")).to_be_visible()
    deploy(page, "Both")
    expect(page.get_by_text("Same as v3")).to_be_visible()
    both = deployed(product, path)
    assert "[0, 1, 2, 3]" in code_of(both, "a") and "sum(rows)" in code_of(both, "b")


def behind(client: httpx.Client, draft: str) -> None:
    """Eight things that a push from the command line and the draft both changed, after the draft was deployed."""
    at = f"/api/w/main/drafts/{draft}"
    path = client.get(f"{at}/notebook").json()["draft"]["path"]
    client.post(f"{at}/deploy", json={}).raise_for_status()
    flow = client.get(f"/api/w/main/flows/get/{path}").json()
    steps = {module["id"]: module for module in flow["value"]["modules"]}
    for step in ("s0", "s1"):
        value = steps[step]["value"]
        value["content"] = value["content"].replace("line_1()", "theirs()").replace("number 30", "their number")
        value["input_transforms"]["x"] = {"type": "static", "value": {"theirs": step}}
        steps[step]["timeout"] = 60
    flow["value"]["modules"] = [*(steps[step] for step in ("s0", "s1", "s4", "s3")), python("a", LOAD, {}, "Their own")]
    flow["schema"]["properties"]["n"]["description"] = "How many rows. " * 12
    about = {"path": path, "summary": "Orders of the week", "deployment_message": "From the command line"}
    pushed = {**about, "value": flow["value"], "schema": flow["schema"]}
    client.post(f"/api/w/main/flows/update/{path}", json=pushed).raise_for_status()
    cells = {cell["step_id"]: cell["id"] for cell in client.get(f"{at}/notebook").json()["cells"]}
    new = {"parent": None, "slot": "modules", "index": 9}
    edits: list[dict[str, Any]] = [
        *(
            {"op": "set_code", "cell": cells[step], "code": f"{LONG}def main(x=0):\n    return 'mine'\n"}
            for step in ("s0", "s1", "s2")
        ),
        {"op": "set_setting", "cell": cells["s0"], "key": "timeout", "value": 5},
        {"op": "set_input", "cell": cells["s1"], "field": "x", "transform": wire("flow_input.n + 1")},
        {"op": "set_flow", "summary": "Orders of the month"},
        {"op": "set_schema", "schema": {"type": "object", "properties": {"n": {"type": "string"}}}},
        {
            "op": "insert_cell",
            "cell": "own",
            **new,
            "module": python("a", COUNT, {"rows": wire("results.s0")}, "My own"),
        },
        {
            "op": "insert_cell",
            "cell": "deep",
            "parent": cells["l"],
            "slot": "modules",
            "index": 1,
            "module": python("s6", LOAD),
        },
        {"op": "move_cell", "cell": cells["s3"], "parent": None, "slot": "modules", "index": 0},
    ]
    answer = client.post(f"{at}/operations", json={"client": "test", "ops": edits})
    assert answer.status_code == 200, answer.text


def test_many_conflicts_of_all_kinds_with_long_code(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("409")
    steps = [
        python(f"s{n}", f"{LONG}def main(x=0):\n    return {n}\n", {"x": wire("flow_input.n")}, f"Step {n}")
        for n in range(3)
    ]
    inner = {"type": "forloopflow", "iterator": wire("[1]"), "skip_failures": False, "modules": [python("s5", LOAD)]}
    steps += [python("s3", LOAD), python("s4", LOAD), {"id": "l", "summary": "For each", "value": inner}]
    with product.client() as client:
        mine = open_flow(
            page, client, flow_of(*steps, schema={"type": "object", "properties": {"n": {"type": "integer"}}})
        )
        behind(client, mine.draft_id)
    mine.settled()
    page.get_by_role("button", name=re.compile("since v1")).click()  # the list of versions knows it too
    offer = page.get_by_role("dialog", name="Versions").get_by_role("button", name="Compare and take it in…")
    expect(offer).to_be_visible()
    shoot(page, "notebook-versions-behind")
    offer.click()
    dialog = page.get_by_role("dialog", name="Version 2 and your draft")
    count = dialog.get_by_role("status")
    expect(count).to_contain_text("8 choices to make")
    expect(dialog.get_by_role("radio")).to_have_count(17)
    for step in ("s0", "s2", "l"):
        dialog.locator(".merge-card").filter(has=page.locator("legend").get_by_text(step, exact=True)).evaluate(
            "node => node.scrollIntoView()"
        )
        shoot(page, f"notebook-merge-many-{step}")
    accessible_now(page)
    sides(dialog, "s1")[0].check()
    expect(count).to_contain_text("7 choices to make")
    dialog.get_by_role("button", name="Keep all of mine").click()
    expect(count).to_contain_text("All decided")
    dialog.get_by_role("radio", name="Keep both").check()
    expect(count).to_contain_text("All decided")
    dialog.get_by_text("more change").click()
    shoot(page, "notebook-merge-decided")
    with product.client() as client:  # the draft changes while it is being decided: shown anew, with what was chosen
        edit = {"op": "set_flow", "description": "From another page"}
        client.post(f"/api/w/main/drafts/{mine.draft_id}/operations", json={"client": "test", "ops": [edit]})
    dialog.get_by_role("button", name="Take it into the draft").click()
    expect(dialog.get_by_role("alert")).to_contain_text("edited meanwhile")
    expect(count).to_contain_text("All decided")
    dialog.get_by_role("button", name="Take it into the draft").click()
    expect(dialog).to_have_count(0)
    expect(mine.cell("b")).to_contain_text("My own")
    flow = mine.exported()
    assert flow["summary"] == "Orders of the month" and flow["schema"]["properties"]["n"] == {"type": "string"}
    order = [module["id"] for module in flow["value"]["modules"]]
    assert [step for step in order if step != "a"] == ["s3", "s0", "s1", "s2", "s4", "l", "b"]
    assert (code_of(flow, "a"), code_of(flow, "b")) == (LOAD, COUNT)
    assert all("mine" in code_of(flow, step) for step in ("s0", "s1", "s2"))
