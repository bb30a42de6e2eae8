// How far a step says it is, while it runs.

/** Whether somebody has said how far it is. */
export const isKnown = (percent) => percent !== null && percent !== undefined;

/** `Progress({percent, label})`: a thin bar; nothing while nobody has said how far it is. The number stands elsewhere. */
export function Progress({ percent, label = "Progress" }) {
  if (!isKnown(percent)) return null;
  return (
    <div className="progress" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}
