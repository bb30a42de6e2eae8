// What Reflex's routes of the hub mount: each reads its place from the address, so that it starts before any state has arrived.
import { useLocation } from "react-router";

import { HubList } from "./hub_list.jsx";
import { HubScript } from "./hub_script.jsx";

/** /hub?q=WORDS&app=APP&language=LANGUAGE */
export const HubRoute = ({ ws }) => <HubList ws={ws} />;

/** /hub/p/VERSION/APP/NAME */
export function HubScriptRoute({ ws }) {
  const rest = useLocation().pathname.split("/").filter(Boolean).slice(2).map(decodeURIComponent);
  return rest.length ? <HubScript key={rest.join("/")} ws={ws} path={`hub/${rest.join("/")}`} /> : null;
}
