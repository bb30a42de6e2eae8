"""Job 1: one command, one link, and nothing of it is open to strangers."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.product import TOKEN, Product


def test_the_printed_link_signs_in_once(stranger: Page, product: Product) -> None:
    link = product.printed_link()
    stranger.goto(link)
    expect(stranger).to_have_url(f"{product.url}/")
    stranger.context.clear_cookies()
    response = stranger.goto(link)
    assert response is not None
    assert response.status == 401
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_stranger_is_asked_to_sign_in_and_then_gets_where_they_wanted(stranger: Page, product: Product) -> None:
    stranger.goto("/runs?status=failure")
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    shoot(stranger, "signin")
    stranger.get_by_text("Use a sign-in token").click()
    stranger.get_by_label("Sign-in token").fill("wrong-token-0123456789")
    stranger.get_by_role("button", name="Sign in with the token").click()
    expect(stranger.get_by_role("alert")).to_be_visible()
    stranger.get_by_label("Sign-in token").fill(TOKEN)
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(re.compile(r"/runs/?\?status=failure$"))


@pytest.fixture(autouse=True)
def refusals_are_meant(watch: Watch) -> None:
    """The browser logs the refused sign-ins of this file as errors of its own."""
    watch.expect_error("401")


def test_version_and_health_answer_everybody(product: Product) -> None:
    version = httpx.get(product.url + "/api/version")
    assert version.text.startswith("CE v")
    assert "flowapp-" in version.text
    health = httpx.get(product.url + "/api/health").json()
    assert health["status"] == "ok"
    assert health["isolation"]["level"] in {"full", "user", "basic"}


@pytest.mark.parametrize("path", ["/", "/runs", "/flows/x", "/run/f/x"])
def test_pages_answer_whoever_is_signed_in(product: Product, path: str) -> None:
    with httpx.Client(base_url=product.url, follow_redirects=True) as browser:
        assert browser.get("/signin", params={"token": TOKEN}).status_code == 200
        assert browser.cookies
        by_cookie = browser.get(path)
    with product.client() as client:
        by_token = client.get(path, follow_redirects=True)
    assert [by_cookie.status_code, by_token.status_code] == [200, 200]
    assert "<html" in by_cookie.text and by_cookie.text == by_token.text
    assert not by_cookie.history or by_cookie.url.path == path.rstrip("/") + "/"


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/flows/x", "/run/f/x", "/api/w/main/flows", "/_upload", "/api/w/main/events"]
)
def test_nothing_else_answers_a_stranger(product: Product, path: str) -> None:
    answer = httpx.get(product.url + path)
    assert answer.status_code in {303, 401}
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/signin")


def test_every_answer_is_strict_with_browsers(product: Product) -> None:
    with product.client() as client:
        for path in ("/signin", "/", "/api/version", "/api/w/main/flows", "/nowhere", "/css/tokens.css"):
            answer = client.get(path, headers={"Origin": "http://evil.example"})
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe-eval" not in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert not [name for name in answer.headers if name.startswith("access-control-allow")], path


def test_another_site_can_change_nothing_with_our_cookie(page: Page, product: Product) -> None:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = httpx.post(product.url + "/api/w/main/drafts", json={}, cookies=cookies, headers=headers)
        assert answer.status_code == 403
    (session,) = (cookie for cookie in page.context.cookies() if cookie["name"] == f"flowapp_session_{product.port}")
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"


def test_the_page_weighs_little_and_its_parts_are_kept(page: Page, product: Product) -> None:
    sizes: dict[str, int] = {}

    def count(response: Response) -> None:
        if response.url.startswith(product.url + "/assets/"):
            sizes[response.url] = int(response.headers.get("content-length", "0"))
            if "reflex-env" not in response.url:
                assert "immutable" in response.headers["cache-control"]

    page.on("response", count)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes.values()) < 900_000


def test_the_home_page_at_all_sizes(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading").first).to_be_visible()
    shoot(page, "home")


def test_what_was_made_is_there_after_a_restart_which_builds_nothing(another: Product) -> None:
    product = another
    product.start()
    with product.client() as client:
        made = client.post("/api/w/main/drafts", json={"summary": "Kept"}).raise_for_status().json()
    assert product.stop() == 0
    printed = len(product.text())
    product.start()
    with product.client() as client:
        notebook = client.get(f"/api/w/main/drafts/{made['id']}/notebook").raise_for_status().json()
    assert notebook["draft"]["summary"] == "Kept"
    said = product.text()[printed:]
    assert "Building" not in said
    assert "Installing" not in said


def test_a_second_server_on_the_same_data_is_refused_in_one_line(product: Product) -> None:
    second = Product(product.home)
    second.output = product.home.parent / "second.log"
    with pytest.raises(AssertionError):
        second.start()
    lines = [line for line in second.text().splitlines() if line.strip()]
    assert len(lines) == 1
    assert str(product.home) in lines[0]
    assert "Traceback" not in second.text()


def test_an_open_event_stream_does_not_hold_a_stop(another: Product) -> None:
    product = another
    product.start()
    with product.client() as client, client.stream("GET", "/api/w/main/events?topics=runs:main") as stream:
        assert stream.status_code == 200
        next(stream.iter_lines())
        begun = time.monotonic()
        assert product.stop() == 0
        assert time.monotonic() - begun < 10  # without care an open stream holds it for more than 20 s


def test_a_request_that_never_ends_does_not_hold_a_stop(another: Product) -> None:
    product = another
    product.start()
    with socket.create_connection(("127.0.0.1", product.port)) as half_sent:
        half_sent.sendall(
            b"POST /signin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 1000\r\n\r\ntoken="
        )
        time.sleep(0.3)
        begun = time.monotonic()
        assert product.stop() == 0
        assert time.monotonic() - begun < 20


def test_a_killed_server_leaves_no_process_behind(another: Product) -> None:
    product = another
    product.start()
    children = below(product.pid)
    assert children
    product.kill()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in children if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    product.start()  # the lock of the data folder died with the process


def below(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *below(int(child))]
    return found


def alive(pid: int) -> bool:
    """Whether a process is there and is not only waiting to be collected."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError, PermissionError):
        return False
