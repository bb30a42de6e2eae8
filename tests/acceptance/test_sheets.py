"""Style rules that make the browser look at the whole page at every key typed are not there while a notebook is."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.notebook_page import NotebookPage, flow_of, python
from tests.acceptance.product import Product

RULES = """() => {
  const found = [];
  const walk = (rules) => { for (const rule of rules) { found.push(rule.selectorText ?? ""); if (rule.cssRules) walk(rule.cssRules); } };
  for (const sheet of document.styleSheets) if (sheet.href?.includes("global")) walk(sheet.cssRules);
  return found;
}"""
COSTLY = "() => { let n = 0; const walk = (rules) => { for (const rule of rules) { if (rule.selectorText?.includes(':has(')) n++; if (rule.cssRules) walk(rule.cssRules); } }; for (const sheet of document.styleSheets) walk(sheet.cssRules); return n; }"


def test_a_notebook_has_no_rule_that_looks_into_elements_and_other_pages_keep_theirs(
    page: Page, product: Product
) -> None:
    with product.client() as client:
        flow = flow_of(python("a", "def main():\n    return 1\n"))
        draft = client.post("/api/w/main/drafts", json={"flow": flow}).raise_for_status().json()["id"]
    page.goto("/")
    expect(page.get_by_role("link", name="Flows", exact=True)).to_be_visible()
    before = page.evaluate(RULES)
    assert page.evaluate(COSTLY) > 0  # Radix's
    page.goto(f"/flows/{draft}")
    notebook = NotebookPage(page).loaded()
    expect(notebook.cell("a").locator(".monaco-editor .view-line").first).to_be_visible(timeout=60_000)
    page.wait_for_function(f"() => ({COSTLY})() === 0")

    page.get_by_role("link", name="Flows", exact=True).click()
    expect(page).to_have_url(f"{product.url}/")
    page.wait_for_function(f"() => ({COSTLY})() > 0")
    assert page.evaluate(RULES) == before
