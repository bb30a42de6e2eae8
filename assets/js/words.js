// How numbers, times and states are said, everywhere the same.

const COUNT = new Intl.NumberFormat("en");

export const count = (n, one, many = `${one}s`) => `${COUNT.format(n)} ${n === 1 ? one : many}`;
export const number = (n) => COUNT.format(n);

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  const units = ["KB", "MB", "GB"];
  let value = n / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${units[unit]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1) return "< 1 ms";
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 59500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0).replace(".0", "")} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return both(s, 60, "min", 1, "s");
  if (s < 86400) return both(s, 3600, "h", 60, "min");
  return both(s, 86400, "d", 3600, "h");
}

const both = (s, big, bigUnit, small, smallUnit) => {
  const rest = Math.floor((s % big) / small);
  return `${Math.floor(s / big)} ${bigUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
};

/** Running time that counts: 0:07, 12:40. */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const two = (n) => String(n).padStart(2, "0");

/** 14:02 today, "Mon 14:02" this week, else the date; `seconds` for the run page. */
export function when(iso, { seconds = false, now = new Date() } = {}) {
  if (!iso) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return String(iso);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  if (at.toDateString() === now.toDateString()) return time;
  const days = (now - at) / 86400000;
  if (days >= 0 && days < 6) return `${at.toLocaleDateString("en", { weekday: "short" })} ${time}`;
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${at.toLocaleDateString("en", { day: "numeric", month: "short", year })}, ${time}`;
}

export function ago(iso, now = Date.now()) {
  const s = (now - new Date(iso).getTime()) / 1000;
  if (!(s >= 0)) return when(iso);
  if (s < 45) return "just now";
  if (s < 3600) return `${Math.max(1, Math.round(s / 60))} min ago`;
  if (s < 86400) return `${Math.round(s / 3600)} h ago`;
  if (s < 86400 * 7) return count(Math.round(s / 86400), "day") + " ago";
  return when(iso);
}

/** How much time there is, from seconds: "23 h 12 min left". */
export function left(seconds) {
  if (seconds <= 0) return "The time to answer is over";
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days) return `${days} d ${hours} h left`;
  if (hours) return `${hours} h ${minutes} min left`;
  return minutes ? `${minutes} min ${seconds < 300 ? `${seconds % 60} s ` : ""}left` : `${seconds} s left`;
}

const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** The JavaScript expression for a path below `base`: results.a, ["rows", 0] → results.a.rows[0]. */
export function pathExpression(base, path) {
  return path.reduce((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (!IDENTIFIER.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text ? `${text}.${key}` : key;
  }, base || "");
}

/** How languages are called where only their stored name is known. */
export const LANGUAGES = { python3: "Python", deno: "TypeScript", bun: "TypeScript, Bun", nativets: "TypeScript", bash: "Bash", go: "Go", postgresql: "PostgreSQL", mysql: "MySQL", duckdb: "DuckDB", sqlite: "SQLite", mssql: "SQL Server", bigquery: "BigQuery", snowflake: "Snowflake", oracledb: "Oracle", graphql: "GraphQL", rlang: "R", php: "PHP" };

/** Run and step states: the word, the tone (a token family) and the icon's name. */
export const STATES = {
  queued: { word: "Queued", tone: "reused", icon: "dots" },
  running: { word: "Running", tone: "run", icon: "running" },
  suspended: { word: "Waiting", tone: "wait", icon: "pause" },
  waiting: { word: "Waiting", tone: "wait", icon: "pause" },
  success: { word: "Done", tone: "ok", icon: "check" },
  failure: { word: "Failed", tone: "bad", icon: "cross" },
  failed: { word: "Failed", tone: "bad", icon: "cross" },
  canceled: { word: "Cancelled", tone: "reused", icon: "stop" },
  cancelled: { word: "Cancelled", tone: "reused", icon: "stop" },
  skipped: { word: "Skipped", tone: "reused", icon: "skip" },
  reused: { word: "Reused", tone: "reused", icon: "reused" },
};
export const stateOf = (status) => STATES[status] || { word: status ? status[0].toUpperCase() + status.slice(1) : "Not run", tone: "reused", icon: "dots" };
