"""Files that steps keep: a picture shown in the notebook, a file sent with the form of a run, and taken away again."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC"
DRAW = f"""
import base64, wmill

def main():
    picture = base64.b64decode("{_PNG}")
    return wmill.write_s3_file(wmill.S3Object(s3="charts/square.png"), picture)
"""
READ = """
import wmill

def main(report: wmill.S3Object):
    text = wmill.load_s3_file(report).decode()
    return wmill.write_s3_file(wmill.S3Object(s3="loud/" + report["s3"].split("/")[-1]), text.upper().encode())
"""
SCHEMA = {
    "type": "object",
    "required": ["report"],
    "properties": {"report": {"type": "object", "format": "resource-s3_object"}},
}


def test_a_picture_that_a_cell_keeps_is_shown(page: Page, product: Product, watch: Watch) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", DRAW)))
        notebook.run("a")
        output = notebook.output("a")
        expect(output).to_contain_text("charts/square.png", timeout=RUN_TIMEOUT)
        picture = output.get_by_role("img", name="square.png")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 10
        shoot(page, "stored-picture")
        with page.expect_download() as download:
            output.get_by_role("link", name="Download").click()
        assert Path(download.value.path()).read_bytes() == base64.b64decode(_PNG)
        assert download.value.suggested_filename == "square.png"
        client.delete("/api/w/main/job_helpers/delete_s3_file", params={"file_key": "charts/square.png"})
    watch.expect_error("404")
    page.reload()
    expect(output).to_contain_text("charts/square.png", timeout=RUN_TIMEOUT)
    expect(picture).to_have_count(0)


def test_a_file_is_sent_with_the_form_of_a_run(page: Page, product: Product, watch: Watch) -> None:
    with product.client() as client:
        step = python("a", READ, {"report": wire("flow_input.report")}, "Read")
        flow = flow_of(step, schema=SCHEMA, summary="Loud report")
        body = {"path": "f/tests/loud", "summary": flow["summary"], "value": flow["value"], "schema": SCHEMA}
        assert client.post("/api/w/main/flows/create", json=body).status_code == 201
    page.goto("/run/f/tests/loud")
    name = page.get_by_label("report", exact=False).first
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".form-error").first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Send a file").press("Enter")
    chooser.value.set_files({"name": "a/b\nc.txt", "mimeType": "text/plain", "buffer": b"x"})
    watch.expect_error("400")
    expect(page.locator(".form-error").first).to_contain_text("was not sent")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Send a file").click()
    chooser.value.set_files({"name": "März 1.txt", "mimeType": "text/plain", "buffer": b"quiet words"})
    expect(name).to_have_value(re.compile(r"^uploads/\w+/März 1\.txt$"))
    expect(page.get_by_role("button", name="Send a file")).to_be_focused()
    expect(page.get_by_text("needs a look")).to_have_count(0)
    shoot(page, "stored-form")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    detail = page.locator("#run-detail")
    expect(detail).to_contain_text("loud/März 1.txt", timeout=RUN_TIMEOUT)
    with page.expect_download() as download:
        detail.get_by_role("link", name="Download").first.click()
    assert Path(download.value.path()).read_bytes() == b"QUIET WORDS"
