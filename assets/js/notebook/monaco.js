// One promise of the editor for the whole page, and the options all our editors share.
let loading;

export const loadMonaco = () => (loading ??= Promise.all([import("./monaco_setup.js"), document.fonts?.load('13px "JetBrains Mono"')]).then(([monaco]) => monaco));

export const LINE = 20;
export const PAD = 8;

export const OPTIONS = {
  theme: "flowapp",
  fontFamily: '"JetBrains Mono", ui-monospace, monospace',
  fontSize: 13,
  lineHeight: LINE,
  fontLigatures: false,
  padding: { top: PAD, bottom: PAD },
  minimap: { enabled: false },
  scrollBeyondLastLine: false,
  automaticLayout: false,
  glyphMargin: false,
  folding: false,
  lineNumbersMinChars: 4,
  lineDecorationsWidth: 14,
  overviewRulerLanes: 0,
  hideCursorInOverviewRuler: true,
  overviewRulerBorder: false,
  renderLineHighlight: "none",
  fixedOverflowWidgets: true,
  stickyScroll: { enabled: false },
  guides: { indentation: false },
  bracketPairColorization: { enabled: false },
  "bracketPairColorization.enabled": false, // the models' own switch: without it the text is parsed for brackets at every key
  wordBasedSuggestions: "currentDocument",
  // completion is asked for in a pause, and Enter is a new line, whatever is suggested: Tab takes it
  quickSuggestionsDelay: 180,
  acceptSuggestionOnEnter: "off",
  scrollbar: { alwaysConsumeMouseWheel: false, ignoreHorizontalScrollbarInContentHeight: true, horizontalScrollbarSize: 8, verticalScrollbarSize: 8, useShadows: false },
  occurrencesHighlight: "off",
  contextmenu: false,
  disableLayerHinting: true, // as in notebook.css: hardly one of our editors scrolls
  // what costs time at every key or cursor move and tells little in a short text
  unicodeHighlight: { ambiguousCharacters: false, invisibleCharacters: false, nonBasicASCII: false },
  selectionHighlight: false,
  links: false,
  colorDecorators: false,
  codeLens: false,
  dropIntoEditor: { enabled: false },
  pasteAs: { enabled: false },
  accessibilitySupport: "auto",
};

export const countLines = (text) => {
  let lines = 1;
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) lines += 1;
  return lines;
};
