// Small things: copies of plain objects, new ids.

/** A copy without some of its keys. */
export function without(object, ...keys) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** A new id, unguessable enough never to be given out twice; works without a secure context. */
export const newId = (prefix) => {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return prefix + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 15);
};
