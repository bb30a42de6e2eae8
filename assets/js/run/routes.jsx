// What Reflex's routes mount: each reads its place from the address, so that it starts before any state has arrived.
import { useLocation } from "react-router";

import { RunForm } from "./run_form.jsx";
import { RunView } from "./run_view.jsx";

const partsOf = (pathname) => pathname.split("/").filter(Boolean).map(decodeURIComponent);

/** /runs/ID */
export function RunRoute({ ws }) {
  const [, id] = partsOf(useLocation().pathname);
  return id ? <RunView key={id} ws={ws} runId={id} /> : null;
}

/** /run/the/path/of/a/flow?from=RUN */
export function RunFormRoute({ ws }) {
  const { pathname, search } = useLocation();
  const path = partsOf(pathname).slice(1).join("/");
  const from = new URLSearchParams(search).get("from");
  return path ? <RunForm key={`${path} ${from}`} ws={ws} path={path} from={from} /> : null;
}
