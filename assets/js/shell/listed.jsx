// Lists that are narrowed by the address. The browser knows the new address before the server has read the list of it: what is still
// there belongs to the earlier one, and is not to be seen under the new one's name.
import { useSyncExternalStore } from "react";
import { Link, useLocation } from "react-router";

import { sameQuery } from "./query.js";

const never = () => () => {};

/** The address; while the page becomes alive, as it was drawn ahead: without a query. */
function useAddress() {
  const { pathname, search } = useLocation();
  const alive = useSyncExternalStore(never, () => true, () => false);
  return { pathname, search: alive ? search : "" };
}

/** `Listed({answered, children})`: what the server listed for the query `answered`; while the address has another one, bars in its place. */
export function Listed({ answered, children }) {
  const late = !sameQuery(useAddress().search, answered);
  return (
    <div className="listed" data-late={late ? "" : undefined} aria-busy={late}>
      {children}
      {late && <div className="listed-wait skeleton page-skeleton" role="status" aria-label="Loading">{["62%", "84%", "47%", "73%", "55%"].map((width) => <i key={width} style={{ width }} />)}</div>}
    </div>
  );
}

/** `FilterChip({to, pressed, answered, title})`: a filter to press. It looks pressed at once, and as the server says when that has answered. */
export function FilterChip({ to, pressed, answered, title, children }) {
  const { pathname, search } = useAddress();
  const [path, query = ""] = to.split("?");
  const on = sameQuery(search, answered) ? pressed : pathname.startsWith(path) && sameQuery(search, query);
  const press = (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    event.currentTarget.click();
  };
  return <Link to={to} className="chip" role="button" aria-pressed={on} title={title} onKeyDown={press}>{children}</Link>;
}
