// Times between a field that is in the reader's own zone and what is stored, which says its zone.

/** The most that such a field takes: a browser's own picker lets years have up to six digits, of which nothing makes a time. */
export const LATEST = "9999-12-31T23:59";
export const MINUTES = 16; // characters of a time without its seconds
const SECONDS = 19;

/** A stored time as a field takes it, to the second or shorter; "" where it is none. */
export function localTime(text, length = SECONDS) {
  const at = new Date(text || NaN);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, length);
}

/** What a field says as a time in UTC; "" where it is none, or after the last one. */
export function instantOf(local) {
  const at = new Date(local || NaN);
  return Number.isNaN(at.getTime()) || local.slice(0, LATEST.length) > LATEST || !/^\d{4}-/.test(local) ? "" : at.toISOString();
}
