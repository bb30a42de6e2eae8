// What Reflex's route of a script mounts: it reads the path from the address, so that it starts before any state has arrived.
import { useLocation } from "react-router";

import { ScriptPage } from "./script_page.jsx";

/** /scripts/p/the/path/of/a/script; `languages`: `[{name, label, editor}]` of those that run here. */
export function ScriptRoute({ ws, languages }) {
  const path = useLocation().pathname.split("/").filter(Boolean).slice(2).map(decodeURIComponent).join("/");
  return path ? <ScriptPage key={path} ws={ws} path={path} languages={languages} /> : null;
}
