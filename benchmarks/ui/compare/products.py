"""The products that are compared, each as a person opens it: how it is started, and what its page calls things."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from benchmarks.ui.compare.server import Server
from flowapp import __version__
from tests.acceptance.product import TOKEN, Product

READY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Names:
    """Where things stand in a product's page, as CSS selectors; the first match of each is the first cell's."""

    editor: str
    """An editor of code."""
    line: str
    """A line of text in one."""
    typing: str
    """The text of the editor that is typed into."""
    code: str
    """A cell's code, drawn as an editor or not."""
    output: str
    """A cell's result."""
    tree: str
    """A result that is drawn as a tree."""
    table: str
    """A result that is drawn as a table."""


class Notebook(Protocol):
    """A product under measurement."""

    name: str
    version: str
    names: Names

    def start(self, folder: Path) -> None:
        """Start the server; `folder` is empty and for it alone."""

    def stop(self) -> None:
        """End the server and what it began."""

    def make(self, name: str, cells: Sequence[str]) -> str:
        """Store a notebook of cells with this code; answers its address."""

    def sign_in(self, context: BrowserContext) -> None:
        """Give a new browser profile what it needs, without loading a page into it."""

    def ready(self, page: Page) -> None:
        """Wait until the open notebook can run a cell."""

    def run_all(self, page: Page) -> None:
        """Press what runs all cells."""

    def tidy(self) -> None:
        """End what closed pages have left running."""

    def trivial(self, text: str) -> str:
        """The code of a cell that shows the text."""

    def tree(self, text: str) -> str:
        """The code of a cell that shows 1 MB of JSON as a tree; the text is its first key."""

    def table(self, text: str) -> str:
        """The code of a cell that shows 10,000 rows as a table; the text is in the first one."""


#: The same data for all: 9,000 objects of about 112 bytes, and 10,000 rows of four columns.
_TREE = '{{"{text}": [{{"id": i, "name": f"person number {{i}}", "tags": ["a", "b"], "note": "x" * 40}} for i in range(9000)]}}'
_ROWS = '[{{"id": i, "name": f"{text} {{i}}", "price": i / 7, "open": i % 2 == 0}} for i in range(10000)]'


class Flowapp:
    """This product, by scripts/run."""

    name = "Flowapp"
    version = __version__
    names = Names(
        editor=".nb-cell .monaco-editor",
        line=".nb-cell .monaco-editor .view-line",
        typing=".nb-cell .monaco-editor .view-lines",
        code=".nb-cell .nb-code",
        output=".nb-cell .nb-out",
        tree=".nb-cell .nb-out .tree",
        table=".nb-cell .nb-out .table",
    )

    def __init__(self) -> None:
        self._product: Product | None = None

    def start(self, folder: Path) -> None:
        self._product = Product(folder / "home")
        self._product.start()

    def stop(self) -> None:
        if self._product and self._product.running():
            self._product.stop()

    def make(self, name: str, cells: Sequence[str]) -> str:
        flow = {"summary": name, "value": {"modules": [_module(index, code) for index, code in enumerate(cells)]}}
        with self._server().client() as client:
            made = client.post("/api/w/main/drafts", json={"flow": flow})
            made.raise_for_status()
        return f"{self._server().url}/flows/{made.json()['id']}"

    def sign_in(self, context: BrowserContext) -> None:
        assert context.request.get(f"{self._server().url}/signin?token={TOKEN}").ok

    def ready(self, page: Page) -> None:
        page.locator(self.names.line).first.wait_for(timeout=READY_MS)

    def run_all(self, page: Page) -> None:
        page.get_by_role("button", name="Run all", exact=True).click()

    def tidy(self) -> None:
        """Nothing runs on behalf of a page."""

    def trivial(self, text: str) -> str:
        return f'def main():\n    return "{text}"\n'

    def tree(self, text: str) -> str:
        return f"def main():\n    return {_TREE.format(text=text)}\n"

    def table(self, text: str) -> str:
        return f"def main():\n    return {_ROWS.format(text=text)}\n"

    def _server(self) -> Product:
        assert self._product is not None
        return self._product


class Marimo:
    """marimo, as `marimo edit` starts it."""

    name = "marimo"
    names = Names(
        editor=".marimo-cell .cm-editor",
        line=".marimo-cell .cm-editor .cm-line",
        typing=".marimo-cell .cm-content",
        code=".marimo-cell .cm-content",
        output=".marimo-cell [id^=output-]",
        tree=".marimo-cell [id^=output-] .marimo-json-output",
        table=".marimo-cell [id^=output-]",
    )

    def __init__(self, environment: Path, version: str) -> None:
        self.version = version
        self._server = Server(environment)

    def start(self, folder: Path) -> None:
        options = ["--headless", "--no-token", "--skip-update-check", "--session-ttl", "1", "--host", "127.0.0.1"]
        self._server.start(folder, ["marimo", "edit", ".", *options, "--port"], "/health")

    def stop(self) -> None:
        self._server.stop()

    def make(self, name: str, cells: Sequence[str]) -> str:
        file = self._server.folder / f"{name}.py"
        parts = [f"@app.cell\ndef _():\n{_indented(code)}\n    return\n" for code in cells]
        file.write_text("\n\n".join(["import marimo\n\napp = marimo.App()\n", *parts]))
        return f"{self._server.url}/?file={file}"

    def sign_in(self, context: BrowserContext) -> None:
        """No token is asked for."""

    def ready(self, page: Page) -> None:
        page.locator(self.names.line).first.wait_for(timeout=READY_MS)
        expect(page.locator("[data-testid=run-button]").last).to_be_enabled(timeout=READY_MS)

    def run_all(self, page: Page) -> None:
        page.locator("[data-testid=run-button]").last.click()

    def tidy(self) -> None:
        """It ends a kernel a second after its page."""
        time.sleep(2)

    def trivial(self, text: str) -> str:
        return f'"{text}"'

    def tree(self, text: str) -> str:
        return _TREE.format(text=text)

    def table(self, text: str) -> str:
        return f"import pandas\npandas.DataFrame({_ROWS.format(text=text)})"


class JupyterLab:
    """JupyterLab with the Python kernel."""

    name = "JupyterLab"
    names = Names(
        editor=".jp-CodeCell .cm-editor",
        line=".jp-CodeCell .cm-editor .cm-line",
        typing=".jp-CodeCell .cm-content",
        code=".jp-CodeCell .jp-InputArea-editor",
        output=".jp-CodeCell .jp-OutputArea-output",
        tree=".jp-CodeCell .jp-RenderedJSON",
        table=".jp-CodeCell .jp-OutputArea-output table",
    )

    def __init__(self, environment: Path, version: str) -> None:
        self.version = version
        self._server = Server(environment)

    def start(self, folder: Path) -> None:
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            "--IdentityProvider.token=",
            "--ServerApp.root_dir=.",
        ]
        self._server.start(folder, ["jupyter-lab", *options, "--port"], "/api")

    def stop(self) -> None:
        self._server.stop()

    def make(self, name: str, cells: Sequence[str]) -> str:
        notebook = {
            "cells": [_jupyter_cell(index, code) for index, code in enumerate(cells)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self._server.folder / f"{name}.ipynb").write_text(json.dumps(notebook))
        return f"{self._server.url}/lab/tree/{name}.ipynb?reset"

    def sign_in(self, context: BrowserContext) -> None:
        """No token is asked for."""

    def ready(self, page: Page) -> None:
        page.locator(self.names.line).first.wait_for(timeout=READY_MS)
        page.get_by_text("| Idle").first.wait_for(timeout=READY_MS)  # the kernel's state in the status bar

    def run_all(self, page: Page) -> None:
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()

    def tidy(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=30) as client:
            for session in client.get("/api/sessions").json():
                client.delete(f"/api/sessions/{session['id']}")

    def trivial(self, text: str) -> str:
        return f'"{text}"'

    def tree(self, text: str) -> str:
        return f"from IPython.display import JSON\nJSON({_TREE.format(text=text)})"

    def table(self, text: str) -> str:
        """All rows: by itself it shows only the first and the last."""
        return (
            f'import pandas\npandas.set_option("display.max_rows", None)\npandas.DataFrame({_ROWS.format(text=text)})'
        )


def _module(index: int, code: str) -> dict[str, Any]:
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}}
    return {"id": f"s{index}", "summary": f"Cell {index}", "value": value}


def _jupyter_cell(index: int, code: str) -> dict[str, Any]:
    rest: dict[str, Any] = {"execution_count": None, "metadata": {}, "outputs": []}
    return {"cell_type": "code", "id": f"cell{index}", "source": code, **rest}


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines())
