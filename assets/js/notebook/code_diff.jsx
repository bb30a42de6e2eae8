// Two texts with what differs between them marked.
import { useEffect, useRef } from "react";
import { OPTIONS, loadMonaco } from "./monaco.js";

/**
 * Two texts, with the props of reflex-monaco's DiffMonacoEditor. One that is all new, or all gone, stands alone: to an editor an
 * empty text is a line, which would be shown as taken away.
 */
export function CodeDiff({ original = "", modified = "", language = "plaintext", originalLanguage = language, modifiedLanguage = language, width = "100%", height = "320px" }) {
  if (!original) return <One text={modified} language={modifiedLanguage} marks={NEW} {...{ width, height }} />;
  if (!modified) return <One text={original} language={originalLanguage} marks={GONE} {...{ width, height }} />;
  return <Two {...{ original, modified, originalLanguage, modifiedLanguage, width, height }} />;
}

const OF_BOTH = { ...OPTIONS, readOnly: true, automaticLayout: true, lineNumbersMinChars: 3 };

// two marks on each line, as the editor of differences makes them: their colours lie one above the other
const marks = (kind, name, sign) => ({ name, looks: [{ className: `line-${kind}`, marginClassName: `gutter-${kind}`, linesDecorationsClassName: `${kind}-sign codicon codicon-diff-${sign}` }, { className: `char-${kind}` }] });
const NEW = marks("insert", "Text after", "insert");
const GONE = marks("delete", "Text before", "remove");

/** A text all of whose lines have the same marks. */
function One({ text, language, marks: { name, looks }, width, height }) {
  const host = useRef(null);
  useEffect(() => {
    let stop = () => {};
    let gone = false;
    loadMonaco().then((monaco) => {
      if (gone) return;
      const model = monaco.editor.createModel(text, language);
      const made = monaco.editor.create(host.current, { ...OF_BOTH, model, ariaLabel: name });
      const last = model.getLineCount() - (text.endsWith("\n") ? 1 : 0);
      made.createDecorationsCollection(text ? looks.map((look) => ({ range: new monaco.Range(1, 1, last, 1), options: { ...look, isWholeLine: true } })) : []);
      stop = () => {
        made.dispose();
        model.dispose();
      };
    });
    return () => {
      gone = true;
      stop();
    };
  }, [text, language, name, looks]);
  return <div ref={host} style={{ width, height }} />;
}

const DIFF_GRACE_MS = 5000; // a diff under way still needs its texts; without them the worker's answer is an error

/** What an editor is called for who hears the page. The diff editor takes the names of its two away whenever its layout changes. */
function keepName(editor, name) {
  const put = () => editor.getRawOptions().ariaLabel === name || editor.updateOptions({ ariaLabel: name });
  const follower = editor.onDidChangeConfiguration(put);
  put();
  return follower;
}

/** Two texts side by side (below 640 px: inline). */
function Two({ original, modified, originalLanguage, modifiedLanguage, width, height }) {
  const host = useRef(null);
  const models = useRef(null);
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    loadMonaco().then((monaco) => {
      if (gone) return;
      const made = monaco.editor.createDiffEditor(host.current, { ...OF_BOTH, renderSideBySideInlineBreakpoint: 640, renderOverviewRuler: false, originalEditable: false });
      const pair = { original: monaco.editor.createModel(original, originalLanguage), modified: monaco.editor.createModel(modified, modifiedLanguage) };
      models.current = pair;
      made.setModel(pair);
      const names = [keepName(made.getOriginalEditor(), "Text before"), keepName(made.getModifiedEditor(), "Text after")];
      stop = () => {
        models.current = null;
        names.forEach((follower) => follower.dispose()); // an editor that goes is configured no more
        try {
          made.dispose();
        } catch (error) {
          console.warn(error.message, error.errors); // seen once, where a comparison went as it came: what is around it stays
        }
        setTimeout(() => Object.values(pair).forEach((model) => model.dispose()), DIFF_GRACE_MS);
      };
    });
    return () => {
      gone = true;
      stop();
    };
  }, [originalLanguage, modifiedLanguage]);
  useEffect(() => {
    const pair = models.current;
    if (pair && pair.original.getValue() !== original) pair.original.setValue(original);
    if (pair && pair.modified.getValue() !== modified) pair.modified.setValue(modified);
  }, [original, modified]);
  return <div ref={host} style={{ width, height }} />;
}
