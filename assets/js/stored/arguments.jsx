// Arguments of a flow or script that something starts later: the form of its inputs. Loaded when a dialog is opened.
import { useState } from "react";

import { allRefer } from "../forms/reference.jsx";
import { ValueField } from "../forms/value_field.jsx";
import { Skeleton } from "../output/parts.jsx";
import { useInputs } from "./use_inputs.js";

const CONTEXT = allRefer();

/** `Arguments({ws, target, name, label, text, fresh, given, none})`: of `target` ("" for none yet: `none` says so), sent as `name`. */
export function Arguments({ ws, target, name, label, text, fresh = false, given, none }) {
  const { schema, why } = useInputs(ws, target, given);
  const [begun] = useState(Boolean(target)); // one that is chosen later finds what has been typed before
  if (begun && why === undefined) return <Waiting name={name} text={text} />;
  return <ValueField name={name} label={label} schema={target ? schema : null} why={target ? why ?? "The inputs are being read." : none} text={text} fresh={fresh} context={CONTEXT} />;
}

/** What is sent before the inputs are known is what was there. */
const Waiting = ({ name, text }) => <><input type="hidden" name={name} value={text} /><Skeleton lines={3} label="Loading the form" /></>;
