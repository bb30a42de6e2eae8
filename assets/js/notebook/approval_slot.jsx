// The place in a waiting cell where its approval is answered.
import { lazy, Suspense } from "react";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";

const InPlace = lazy(() => import("./approval_in_place.jsx").then((module) => ({ default: module.InPlace })));

export function ApprovalSlot({ id }) {
  const store = useStore();
  const state = useKey(`state:${id}`);
  const step = useKey(`cell:${id}`)?.step_id;
  const words = <p className="nb-approval"><Glyph name="pause" size={13} /> <span>{state?.text}</span></p>;
  return <Suspense fallback={words}><InPlace ws={store.ws} draftId={store.draftId} step={step} /></Suspense>;
}
