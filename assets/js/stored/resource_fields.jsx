// The type and the value of a resource, in the dialog of the page Resources. The type's field is there at once, for whoever goes on by
// keyboard; what draws the value is loaded meanwhile.
import { lazy, Suspense, useEffect, useId, useRef, useState } from "react";

import { get, workspacePath } from "../api.js";
import { Skeleton } from "../output/parts.jsx";

const ResourceValue = lazy(() => import("./resource_value.jsx").then((module) => ({ default: module.ResourceValue })));

/** `ResourceFields({ws, type, text, fresh})`: sent as `resource_type` and `value`, a JSON text. */
export function ResourceFields({ ws, type: given, text, fresh }) {
  const [type, setType] = useState(given);
  const [types, setTypes] = useState({ list: null, error: null });
  const box = useRef(null);
  const list = useId();
  useEffect(() => {
    let ended = false;
    get(workspacePath(ws, "resources/type/list")).then((found) => !ended && setTypes({ list: found, error: null }), (error) => !ended && setTypes({ list: [], error }));
    return () => { ended = true; };
  }, [ws]);
  const name = type.trim();
  const known = types.list?.find((one) => one.name === name);
  const path = () => box.current?.closest("form")?.elements.namedItem("path")?.value.trim() ?? "";
  const loading = <Skeleton lines={4} label="Loading the form" />;
  return (
    <div className="stored-fields" ref={box}>
      <div className="field">
        <label htmlFor="stored-resource_type">Type</label>
        <input id="stored-resource_type" name="resource_type" className="in-text" list={list} value={type} placeholder="any" autoComplete="off" spellCheck={false} aria-describedby={known?.description ? "stored-type-help" : undefined} onChange={(event) => setType(event.target.value)} />
        <datalist id={list}>{(types.list ?? []).map((one) => <option key={one.name} value={one.name} />)}</datalist>
        {known?.description && <p className="form-help" id="stored-type-help">{known.description}</p>}
      </div>
      {types.list === null ? loading : <Suspense fallback={loading}><ResourceValue {...{ name, known, error: types.error, text, fresh, path }} /></Suspense>}
    </div>
  );
}
