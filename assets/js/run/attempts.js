// The attempts of a step that was tried again. Pure.

/**
 * What is known of a step's attempts, newest first: `[{attempt, error, last}]`. `error` is why an earlier one failed, null where
 * that is not known any more. While the next attempt is waited for it is the first of them.
 */
export function attemptsOf(step) {
  const errors = new Map((step?.failed_attempts ?? []).map(({ attempt, error }) => [attempt, error]));
  const last = (step?.attempt ?? 1) + (errors.has(step?.attempt) ? 1 : 0);
  return Array.from({ length: last }, (_, at) => ({ attempt: last - at, error: errors.get(last - at) ?? null, last: at === 0 }));
}

const MOST = 60;

/** An attempt as a choice says it: "2: ValueError: no luck". */
export function attemptWords({ attempt, error, last }, count) {
  if (last) return `${attempt} of ${count}`;
  const [line] = String(error?.message ?? "").split("\n");
  const why = [error?.name, line].filter(Boolean).join(": ");
  return why ? `${attempt}: ${why.length > MOST ? `${why.slice(0, MOST - 1)}…` : why}` : `${attempt}`;
}
