// The part of an address after the "?", as lists are narrowed by it.

/**
 * Whether two of them ask for the same, however they are written. The workspace that an address names is no part of it: a tab
 * shows one, and its name comes into the address behind the router's back.
 */
export const sameQuery = (one, other) => canonical(one) === canonical(other);

function canonical(text) {
  const query = new URLSearchParams(text ?? "");
  query.delete("workspace"); // the same for all lists of a tab, and not every link within it says so
  query.delete("workspace");
  query.sort();
  return query.toString();
}
