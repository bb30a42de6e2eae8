// Monaco, bundled from npm: no CDN, one worker, only our languages. Loaded when the first code cell comes into view.
import { MarkerSeverity, Range, editor, languages } from "monaco-editor/editor";
import "./monaco_features.js";
import "monaco-editor/languages/definitions/python/register";
import "monaco-editor/languages/definitions/typescript/register";
import "monaco-editor/languages/definitions/javascript/register";
import "monaco-editor/languages/definitions/shell/register";
import "monaco-editor/languages/definitions/sql/register";
import "monaco-editor/languages/definitions/go/register";
import "monaco-editor/languages/definitions/r/register";
import "monaco-editor/languages/definitions/php/register";
import "monaco-editor/languages/definitions/graphql/register";
import "monaco-editor/languages/definitions/yaml/register";
import EditorWorker from "monaco-editor/editor/editor.worker?worker";

self.MonacoEnvironment = { getWorker: () => new EditorWorker() };

export const FONT = { family: '"JetBrains Mono", ui-monospace, monospace', size: 13, line: 20 };

const token = (name, fallback) => {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return /^#[0-9a-f]{6}([0-9a-f]{2})?$/i.test(value) ? value : fallback;
};

export const isDark = () => {
  const root = document.documentElement;
  return root.dataset.theme ? root.dataset.theme === "dark" : root.classList.contains("dark");
};

/** The editor's colours are the page's tokens: read again whenever the theme changes. */
export function applyTheme() {
  const dark = isDark();
  const text = token("--text", dark ? "#e9eaec" : "#1c1d1f");
  const faint = token("--faint", "#6f737a");
  const accent = token("--accent", "#3757e0");
  const line = token("--line", "#e4e4df");
  const surface = token("--surface", "#ffffff");
  const rule = (names, variable) => names.map((name) => ({ token: name, foreground: token(variable, text).slice(1, 7) }));
  editor.defineTheme("flowapp", {
    base: dark ? "vs-dark" : "vs",
    inherit: true,
    rules: [
      { token: "", foreground: text.slice(1, 7) },
      ...rule(["keyword", "keyword.flow", "tag", "metatag"], "--kw"),
      ...rule(["string", "string.escape", "regexp", "attribute.value", "string.yaml"], "--str"),
      ...rule(["number", "constant", "number.hex"], "--num"),
      ...rule(["comment", "comment.doc"], "--com"),
      ...rule(["type", "type.identifier", "function", "predefined", "variable.predefined", "identifier.function"], "--fn"),
      ...rule(["identifier", "delimiter", "operator", "variable"], "--text"),
    ],
    colors: {
      "editor.background": token("--code-bg", surface),
      "editor.foreground": text,
      "editorLineNumber.foreground": faint,
      "editorLineNumber.activeForeground": faint,
      "editorCursor.foreground": accent,
      "editor.lineHighlightBackground": "#00000000",
      "editor.lineHighlightBorder": "#00000000",
      "editor.selectionBackground": `${accent.slice(0, 7)}33`,
      "editor.inactiveSelectionBackground": `${accent.slice(0, 7)}1f`,
      "editorWidget.background": surface,
      "editorWidget.border": line,
      "editorSuggestWidget.selectedBackground": token("--accent-soft", "#e9edfd"),
      "editorSuggestWidget.selectedForeground": text,
      "editorSuggestWidget.selectedIconForeground": text,
      "editorSuggestWidget.focusHighlightForeground": accent,
      "editorSuggestWidget.foreground": text,
      "editorSuggestWidget.highlightForeground": accent,
      ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`editorBracketHighlight.foreground${n}`, text])),
      "editorGutter.background": token("--code-bg", surface),
      "editorIndentGuide.background1": line,
      "editorError.foreground": token("--bad", "#b3261e"),
      "focusBorder": "#00000000",
      "diffEditor.insertedTextBackground": `${token("--ok", "#1d7f4e").slice(0, 7)}2e`,
      "diffEditor.removedTextBackground": `${token("--bad", "#b3261e").slice(0, 7)}26`,
    },
  });
  editor.setTheme("flowapp");
}

applyTheme();
new MutationObserver(applyTheme).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
document.fonts?.load(`${FONT.size}px ${FONT.family}`).then(() => editor.remeasureFonts());

export { MarkerSeverity, Range, editor, languages };
