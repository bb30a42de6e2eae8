// What the form of stand-ins asks the server for. Pure.

export const MOST = 20;
export const LONGEST_NAME = 60;
const LARGEST = 64 * 1024; // characters of JSON

/** How a choice names a result: its run and its place in it. */
export const choiceOf = ({ run_id: run, path }) => `${run} ${path}`;

/** Where the value comes from: as was chosen, or typed where that is no choice any more. */
export function sourceOf(picked, { changed, own, pinned, results }) {
  const there = { same: changed, own, mock: pinned };
  return (picked in there ? there[picked] : results.some((item) => choiceOf(item) === picked)) ? picked : "json";
}

/**
 * `{problem}` in words, or `{operations, result}`: operations on the document, and a result to be kept by the server, which has it.
 * `changed` is the stand-in that the form changes, `own` the cell's present result, `mock` its mock.
 */
export function planOf({ id, name: typed, from, text, use, changed, own, results, mock }) {
  const name = typed.trim();
  const renamed = changed && changed.name !== name ? [{ op: "rename_stand_in", cell: id, name: changed.name, to: name }] : [];
  const then = use ? [{ op: "use_stand_in", cell: id, name }] : [];
  if (from === "same") return { operations: [...renamed, ...then] };
  if (from === "json" || from === "mock") {
    const { value, problem } = from === "mock" ? { value: mock?.return_value ?? null } : meaningOf(text);
    if (problem) return { problem };
    return { operations: [...renamed, { op: "keep_stand_in", cell: id, name, value }, ...then] };
  }
  const source = from === "own" ? own : results.find((item) => choiceOf(item) === from);
  if (!source) return { problem: "This result is not there any more. Choose another value." };
  return { operations: renamed, result: { cell: id, name, run_id: source.run_id, path: source.path, use } };
}

function meaningOf(text) {
  if (!text.trim()) return { problem: 'Type a value as JSON, such as [] or {"rows": 2}.' };
  if (text.length > LARGEST) return { problem: `A stand-in has at most ${LARGEST / 1024} KB of JSON. Type a smaller value of the same shape.` };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `This is no JSON: ${error.message}. Texts stand in double quotes.` };
  }
}
