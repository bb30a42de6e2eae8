// Variables and resources that a field may name: a list of paths that the browser offers under it.
import { useEffect, useState } from "react";

import { get, workspacePath } from "./api.js";

/** What may be named: resources of one type by their paths, or all variables and resources as `$var:path` and `$res:path`. */
async function namesOf(ws, type) {
  if (type) return (await get(workspacePath(ws, "resources/list_names", encodeURIComponent(type)))).map(({ path }) => ({ value: path }));
  const [variables, resources] = await Promise.all([get(workspacePath(ws, "variables/list")), get(workspacePath(ws, "resources/list"))]);
  return [
    ...variables.map(({ path, is_secret }) => ({ value: `$var:${path}`, label: is_secret ? "secret" : "variable" })),
    ...resources.map(({ path, resource_type }) => ({ value: `$res:${path}`, label: resource_type })),
  ];
}

/**
 * `References({id, ws, type, prefix})`: the list for an input whose `list` is `id`. It is asked for when the field gets the focus, so
 * that it is as it is then; a field without a list works all the same. `prefix` comes before each path of a `type`.
 */
export function References({ id, ws, type, prefix = "" }) {
  const [names, setNames] = useState([]);
  useEffect(() => {
    const field = document.querySelector(`[list="${CSS.escape(id)}"]`);
    let ended = false;
    const ask = () => namesOf(ws, type).then((found) => !ended && setNames(found), () => {});
    field?.addEventListener("focus", ask);
    if (field && field === document.activeElement) ask();
    return () => {
      ended = true;
      field?.removeEventListener("focus", ask);
    };
  }, [id, ws, type]);
  return <datalist id={id}>{names.map(({ value, label }) => <option key={value} value={type ? prefix + value : value} label={label} />)}</datalist>;
}
