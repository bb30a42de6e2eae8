"""The pages of the hub: found, read, used in a flow, copied; a hub that does not answer; who may only look."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, tab_to
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage
from tests.acceptance.product import TOKEN, Product
from tests.support.serving import JsonHandler, serving

W = "/api/w/main"
SEND = {
    "content": "export async function main(channel: string, text: string, urgent = false) {\n  return channel;\n}\n",
    "language": "deno",
    "lockfile": "",
    "summary": "Send a message",
}


class RemoteHub(ThreadingHTTPServer):
    """A hub over HTTP that answers when it may, and fails when it must."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.may_answer = threading.Event()
        self.broken = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(JsonHandler):
    """The two addresses of a hub."""

    server: RemoteHub

    def do_GET(self) -> None:
        """Answer, when it is time."""
        self.server.may_answer.wait(30)
        if self.server.broken:
            self.answer({}, 503)
        elif self.path.startswith("/searchData"):
            self.answer(
                {"asks": [{"version_id": 28145, "app": "slack", "summary": "Send a message", "kind": "script"}]}
            )
        else:
            self.answer(SEND, 200 if self.path == "/raw2/28145" else 404)


@pytest.fixture(scope="module")
def remote() -> Iterator[RemoteHub]:
    with serving(RemoteHub()) as server:
        yield server


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory, remote: RemoteHub) -> Iterator[Product]:
    """A server with all three kinds of hubs."""
    base = tmp_path_factory.mktemp("hubs")
    for version, code in (
        ("41", "def main(name: str):\n    return name\n"),
        ("42", "def main(name: str, loud: bool = False):\n    return name.upper() if loud else name\n"),
    ):
        folder = base / "ours" / version / "team"
        folder.mkdir(parents=True)
        (folder / "greet.py").write_text(code)
        (folder / "greet.script.yaml").write_text("summary: Greets somebody\ndescription: By name.\n")
    made = Product(base / "home", extra={"FLOWAPP_HUB_DIR": str(base / "ours"), "FLOWAPP_HUB_URL": remote.url})
    made.start()
    yield made
    made.kill()


@pytest.fixture
def watch(hubs: Product) -> Watch:
    return Watch(hubs.url)


@pytest.fixture
def context(browser: Browser, hubs: Product, watch: Watch) -> Iterator[BrowserContext]:
    profile = browser.new_context(base_url=hubs.url, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(15_000)
    profile.grant_permissions(["clipboard-read", "clipboard-write"])
    watch.attach(profile)
    yield profile
    profile.close()
    watch.verify()


def test_a_hub_that_is_slow_or_fails_does_not_hide_the_others(page: Page, remote: RemoteHub) -> None:
    page.goto("/")
    page.get_by_role("link", name="Hub").click()
    page.wait_for_url("**/hub")
    rows = page.locator(".row-hub")
    expect(page.get_by_role("list", name="Hubs")).to_contain_text("being asked")
    expect(rows).to_have_count(14)
    remote.may_answer.set()
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("answered 503")
    expect(rows).to_have_count(14)
    shoot(page, "hub-no-answer")
    accessible(page)
    with page.expect_response(re.compile("again=true")):
        press(page, notice.get_by_role("button", name="Try again"))
    expect(notice).to_contain_text("answered 503")
    remote.may_answer.clear()
    page.get_by_label("Search").fill("csv text")
    expect(rows).to_have_count(2)  # and does not wait for the hub, which just failed
    page.wait_for_url("**/hub?q=*")
    page.get_by_role("link", name="Hub", exact=True).click()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(rows).to_have_count(14)
    page.go_back()
    expect(page.get_by_label("Search")).to_have_value("csv text")
    expect(rows).to_have_count(2)
    page.go_forward()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(rows).to_have_count(14)
    remote.may_answer.set()
    remote.broken = False
    press(page, notice.get_by_role("button", name="Try again"))
    expect(rows).to_have_count(15)
    expect(notice).to_have_count(0)
    expect(page.get_by_role("list", name="Hubs")).to_contain_text(f"{remote.url.removeprefix('http://')}: 1 script")


def test_a_script_is_found_by_keyboard_and_used_in_a_new_flow(page: Page, remote: RemoteHub) -> None:
    remote.may_answer.set()
    remote.broken = False
    page.goto("/hub")
    rows = page.locator(".row-hub")
    expect(rows.first).to_be_visible()
    tab_to(page, page.get_by_label("Search"))
    page.keyboard.type("nothing of this name")
    expect(page.get_by_text("No script matches")).to_be_visible()
    shoot(page, "hub-empty")
    press(page, page.get_by_role("button", name="Show all scripts"))
    expect(page.get_by_label("Search")).to_have_value("")
    page.get_by_role("search").get_by_label("Language").select_option("python3")
    page.get_by_role("search").get_by_label("App").select_option("data")
    expect(rows).to_have_count(4)
    page.reload()
    expect(rows).to_have_count(4)  # the filters stand in the address
    expect(page.get_by_role("search").get_by_label("App")).to_have_value("data")
    page.get_by_label("Search").fill("csv text")
    expect(rows).to_have_count(2)
    shoot(page, "hub-list")
    accessible(page)

    press(page, rows.first)
    page.wait_for_url("**/hub/p/9000001/data/parse_csv")
    expect(page.get_by_role("heading", name="Rows of a CSV text")).to_be_visible()
    expect(page.get_by_text("or lists where there is no such line")).to_be_visible()
    expect(page.locator(".run-facts")).to_contain_text("Starter hub")
    inputs = page.get_by_role("region", name="Inputs")
    expect(inputs).to_contain_text("text, needed")
    expect(inputs).to_contain_text('normally ","')
    code = page.get_by_role("region", name="Code")
    expect(code.locator(".monaco-editor .view-line").first).to_be_visible(timeout=RUN_TIMEOUT)
    expect(code.locator(".mtk1 ~ *, [class*=mtk]").first).to_be_visible()
    shoot(page, "hub-script")
    accessible(page)
    page.get_by_role("button", name="Copy the path").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "hub/9000001/data/parse_csv"

    tab_to(page, page.get_by_role("region", name="Versions").get_by_role("link"))  # past the code, which takes no Tab
    press(page, page.get_by_role("button", name="Use in a new flow"), back=True)
    page.wait_for_url("**/flows/*")
    notebook = NotebookPage(page).loaded()
    expect(notebook.cell("a")).to_contain_text("hub/9000001/data/parse_csv")
    for field in ("text", "delimiter", "header"):
        expect(notebook.row("a", field)).to_be_visible()


def test_a_script_is_copied_into_the_workspace(page: Page, hubs: Product, remote: RemoteHub, watch: Watch) -> None:
    watch.expect_error("422")  # the path that is refused
    remote.may_answer.set()
    remote.broken = False
    page.goto("/hub/p/41/team/greet")
    versions = page.get_by_role("region", name="Versions")
    expect(versions.get_by_role("link")).to_have_count(2)
    versions.get_by_role("link", name="hub/42/team/greet").click()
    page.wait_for_url("**/hub/p/42/team/greet")
    expect(page.get_by_role("region", name="Inputs")).to_contain_text("loud")
    press(page, page.get_by_role("button", name="Copy as a script of the workspace"))
    dialog = page.get_by_role("dialog", name="Copy as a script of the workspace")
    expect(dialog.get_by_label("Path")).to_have_value("u/admin/greet")
    shoot(page, "hub-copy")
    dialog.get_by_label("Path").fill("no path")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not a path")
    dialog.get_by_label("Path").fill("f/team/greet")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_url("**/scripts/p/f/team/greet")
    expect(page.get_by_role("heading", name="Greets somebody")).to_be_visible()
    with hubs.client() as client:
        stored = client.get(f"{W}/scripts/get/p/f/team/greet").raise_for_status().json()
    assert (stored["description"], list(stored["schema"]["properties"])) == ("By name.", ["name", "loud"])


def test_a_script_of_another_hub_and_one_that_nobody_has(page: Page, remote: RemoteHub, watch: Watch) -> None:
    watch.expect_error("404")
    remote.may_answer.set()
    remote.broken = False
    page.goto("/hub/p/28145/slack/send_a_message")
    expect(page.get_by_role("heading", name="Send a message")).to_be_visible()
    expect(page.get_by_role("region", name="Inputs")).to_contain_text("urgent")
    expect(page.locator(".run-facts")).to_contain_text("127.0.0.1")
    page.goto("/hub/p/77/slack/nothing")
    expect(page.get_by_role("heading", name="There is no such script")).to_be_visible()
    shoot(page, "hub-missing")
    page.get_by_role("link", name="All scripts of the hub").click()
    expect(page.locator(".row-hub").first).to_be_visible()


def test_a_viewer_reads_and_is_offered_nothing_else(context: BrowserContext, hubs: Product, remote: RemoteHub) -> None:
    remote.may_answer.set()
    with hubs.client() as client:
        client.post("/api/users/create", json={"email": "vera@example.org", "username": "vera"}).raise_for_status()
        client.post(f"{W}/workspaces/add_user", json={"email": "vera@example.org", "role": "viewer"}).raise_for_status()
        link = client.post("/api/users/sign_in_link", json={"username": "vera"}).raise_for_status().text
    stranger = context.new_page()
    stranger.goto(link[link.index("/signin") :])
    stranger.goto("/hub/p/42/team/greet")
    expect(stranger.get_by_text("You may look at this script.")).to_be_visible()
    expect(stranger.get_by_role("button", name="Copy the path")).to_be_visible()
    expect(stranger.get_by_role("button", name="Use in a new flow")).to_have_count(0)
    expect(stranger.get_by_role("button", name="Copy as a script of the workspace")).to_have_count(0)
    shoot(stranger, "hub-viewer")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of the signed-in admin."""
    signed_in = context.new_page()
    signed_in.goto(f"/signin?token={TOKEN}")
    return signed_in
