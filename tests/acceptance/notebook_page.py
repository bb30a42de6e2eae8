"""What a person does in a notebook, as words for tests: by role and name where they have one."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

RUN_TIMEOUT = 60_000


class NotebookPage:
    """The notebook that is open in `page`."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def draft_id(self) -> str:
        """The id in the address."""
        return self.page.url.split("/flows/")[1].strip("/").split("?")[0]

    def loaded(self) -> NotebookPage:
        """Wait until the cells are there."""
        cells = self.page.locator(".nb-cell[data-cell], .nb-flow-input").first
        expect(cells).to_be_visible(timeout=RUN_TIMEOUT)  # a first page of a busy machine takes long
        return self

    def cell(self, step: str) -> Locator:
        """A cell by its step id."""
        return self.page.get_by_role("region", name=re.compile(rf"^Cell {re.escape(step)}(,|$)"))

    def state(self, step: str) -> Locator:
        """A cell's state badge."""
        return self.cell(step).locator("> .nb-hd .nb-state")

    def expect_state(self, step: str, *kinds: str) -> None:
        """Wait until the cell is in one of these states."""
        expect(self.state(step)).to_have_attribute(
            "data-kind", re.compile(f"^({'|'.join(kinds)})$"), timeout=RUN_TIMEOUT
        )

    def expect_states(self, **kinds: str) -> None:
        """Wait until each cell is in its state."""
        for step, kind in kinds.items():
            self.expect_state(step, *kind.split("|"))

    def output(self, step: str) -> Locator:
        """A cell's result."""
        return self.cell(step).locator("> .nb-out")

    def row(self, step: str, field: str) -> Locator:
        """An input of a cell."""
        return self.cell(step).locator(f'.nb-row[data-field="{field}"]').first

    def value(self, step: str, field: str) -> Locator:
        """What an input's expression gives now."""
        return self.row(step, field).locator(".nb-now")

    def run(self, step: str) -> None:
        """Press a cell's run button."""
        self.cell(step).locator("> .nb-hd .nb-run").click()

    def into_code(self, step: str) -> None:
        """Put the cursor into a cell's code, by mouse."""
        code = self.cell(step).locator("> .nb-code-wrap .nb-code")
        code.scroll_into_view_if_needed()
        expect(code.locator(".monaco-editor")).to_be_visible()
        code.click(position={"x": 220, "y": 14})
        expect(code.locator(".monaco-editor.focused")).to_be_visible()

    def set_code(self, step: str, text: str) -> None:
        """Replace a cell's code."""
        self.into_code(step)
        self.type_code(text)

    def append_code(self, step: str, text: str) -> None:
        """Type at the end of a cell's code."""
        self.into_code(step)
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def type_code(self, text: str) -> None:
        """Replace all text of the editor that has the focus."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def select(self, step: str) -> None:
        """Select a cell without entering its text, by keyboard alone: walk with j from the first."""
        keyboard = self.page.keyboard
        keyboard.press("Escape")  # closes what is open
        keyboard.press("Escape")  # leaves the text
        while self.page.evaluate("Boolean(document.activeElement?.closest('.monaco-editor'))"):
            keyboard.press("Escape")  # suggestions came in between
        keyboard.press("g")
        keyboard.press("g")
        for _ in range(40):
            if self.cell(step).get_attribute("data-selected") is not None:
                return
            keyboard.press("j")
        raise AssertionError(f"no way to {step} by keyboard")

    def settings(self, step: str | None) -> Locator:
        """The open panel of settings of a cell; of the flow for None."""
        name = f"Settings of {step or 'the flow'}, form"
        return self.page.get_by_role("region", name=name)

    def open_settings(self, step: str | None) -> Locator:
        """Open the settings of a cell (of the flow for None), by mouse."""
        panel = self.settings(step)
        if not panel.is_visible():
            if step is not None:
                self.cell(step).locator("> .nb-hd").hover()
            self.page.get_by_role("button", name=f"Settings of {step or 'the flow'}", exact=True).click()
        expect(panel).to_be_visible()
        return panel

    def form(self, step: str | None, title: str) -> Locator:
        """One form of the settings, opened by mouse."""
        panel = self.open_settings(step)
        toggle = panel.locator(".nb-set-toggle").filter(has=self.page.get_by_text(title, exact=True))
        if toggle.get_attribute("aria-expanded") != "true":
            toggle.click()
        form = panel.get_by_role("group", name=title, exact=True)
        expect(form).to_be_visible()
        return form

    def type_into(self, form: Locator, label: str, text: str) -> None:
        """Replace the text of a field of a form, and leave it."""
        field = form.get_by_label(label, exact=True)
        field.fill(text)
        field.blur()

    def chips(self, step: str) -> Locator:
        """What a cell's head says is set."""
        return self.cell(step).locator("> .nb-hd .nb-set-chip")

    def exported(self) -> dict[str, Any]:
        """The document as it is exported now."""
        self.settled()
        answer = self.page.request.get(f"/api/w/main/drafts/{self.draft_id}/export?format=json")
        document: dict[str, Any] = answer.json()
        return document

    def module(self, step: str) -> dict[str, Any]:
        """A top-level module of the exported document."""
        value = self.exported()["value"]
        singles = [value[key] for key in ("failure_module", "preprocessor_module") if key in value]
        return next(module for module in [*value["modules"], *singles] if module["id"] == step)

    def idle(self) -> None:
        """Wait until no cell runs, and none is about to: the page says so at the press."""
        expect(self.page.locator(".nb-state:is([data-kind=running], [data-kind=queued])")).to_have_count(
            0, timeout=RUN_TIMEOUT
        )

    def settled(self) -> None:
        """Wait until everything typed is saved."""
        expect(self.page.locator(".nb-save")).to_contain_text("Saved", timeout=RUN_TIMEOUT)


def open_template(page: Page, title: str) -> NotebookPage:
    """From the home page, by mouse."""
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Template")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{re.escape(title)}")).click()
    page.wait_for_url("**/flows/*")
    return NotebookPage(page).loaded()


def open_flow(page: Page, client: Any, flow: dict[str, Any]) -> NotebookPage:
    """A notebook of a given document, made through the API."""
    answer = client.post("/api/w/main/drafts", json={"flow": flow})
    assert answer.status_code < 300, answer.text
    page.goto(f"/flows/{answer.json()['id']}")
    return NotebookPage(page).loaded()


def python(step: str, code: str, inputs: dict[str, Any] | None = None, summary: str = "") -> dict[str, Any]:
    """A Python module of a flow document."""
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": inputs or {}}
    return {"id": step, "summary": summary, "value": value}


def flow_of(*modules: dict[str, Any], schema: dict[str, Any] | None = None, summary: str = "A test") -> dict[str, Any]:
    """A flow document of these modules."""
    return {
        "summary": summary,
        "value": {"modules": list(modules)},
        "schema": schema or {"type": "object", "properties": {}},
    }


def wire(expr: str) -> dict[str, str]:
    """An input that is an expression."""
    return {"type": "javascript", "expr": expr}
