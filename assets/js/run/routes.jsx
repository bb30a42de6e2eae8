// What Reflex's routes mount: each reads its place from the address, so that it starts before any state has arrived.
import { lazy, Suspense } from "react";
import { useLocation } from "react-router";

import { RunForm } from "./run_form.jsx";
import { RunView } from "./run_view.jsx";

const CompareView = lazy(() => import("./compare.jsx").then((module) => ({ default: module.CompareView })));

const partsOf = (pathname) => pathname.split("/").filter(Boolean).map(decodeURIComponent);

/** /runs/ID */
export function RunRoute({ ws }) {
  const [, id] = partsOf(useLocation().pathname);
  return id ? <RunView key={id} ws={ws} runId={id} /> : null;
}

/** /runs/compare?a=RUN&b=RUN */
export function CompareRoute({ ws }) {
  const given = new URLSearchParams(useLocation().search);
  const a = given.get("a");
  if (!a) return <div className="runpage"><div className="card empty"><b>No run is named</b><p>Open a run, and choose Compare there.</p><a className="btn" href="/runs">All runs</a></div></div>;
  return <Suspense fallback={null}><CompareView ws={ws} a={a} b={given.get("b")} /></Suspense>;
}

/** /run/the/path/of/a/flow?from=RUN */
export function RunFormRoute({ ws }) {
  const { pathname, search } = useLocation();
  const path = partsOf(pathname).slice(1).join("/");
  const from = new URLSearchParams(search).get("from");
  return path ? <RunForm key={`${path} ${from}`} ws={ws} path={path} from={from} /> : null;
}
