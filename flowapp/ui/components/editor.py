"""Monaco editors for Reflex pages: reflex-monaco's classes, with the editor taken from our bundle instead of a CDN."""

from __future__ import annotations

import reflex as rx
from reflex_monaco.monaco import DiffMonacoEditor, MonacoEditor

from flowapp.ui.components.local import LocalComponent

LIBRARY = "$/public/js/notebook/editor.jsx"
DIFF_LIBRARY = "$/public/js/notebook/code_diff.jsx"
EDITOR_LIBRARIES = ["monaco-editor@0.57.0"]


class CodeEditor(LocalComponent, MonacoEditor):
    """A code editor with MonacoEditor's props. `value` does not overwrite the text while it has the focus."""

    library = LIBRARY
    tag = "CodeEditor"
    is_default = False
    lib_dependencies: list[str] = EDITOR_LIBRARIES

    #: Text that can be selected but not changed.
    read_only: rx.Var[bool]


class CodeDiff(LocalComponent, DiffMonacoEditor):
    """Two texts side by side, changes marked; inline where the page is narrow. A text without another stands alone."""

    library = DIFF_LIBRARY
    tag = "CodeDiff"
    is_default = False
    lib_dependencies: list[str] = EDITOR_LIBRARIES


code_editor = CodeEditor.create
code_diff = CodeDiff.create
