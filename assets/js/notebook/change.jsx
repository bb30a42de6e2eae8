// One thing that differs between two versions of a flow.
import { Difference } from "../run/changes.jsx";

/** A text by lines, or the value before and after. `of`: what the lines with − are of. */
export function Change({ change: { label, where, before, after, code, note }, of = "the version that both come from" }) {
  const name = [where && label.toLowerCase() !== where.toLowerCase() ? `${label} of ${where}` : label].filter(Boolean).join("");
  if (note) return <p className="merge-note">{name ? <><b>{name}</b> {note}</> : note[0].toUpperCase() + note.slice(1)}</p>;
  const long = code || [before, after].some((text) => text.includes("\n"));
  if (long) return <div><h3>{name}</h3><Difference before={before} after={after} label={`${name}: lines with − are of ${of}, lines with + are new`} /></div>;
  return (
    <p className="merge-value">
      <b>{name}</b> {before && <del>{before}</del>} {after ? <ins>{after}</ins> : <span className="nb-muted">{before ? "removed" : "empty"}</span>}
    </p>
  );
}
