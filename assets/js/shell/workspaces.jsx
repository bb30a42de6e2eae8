// Which workspace the page shows, and the way into another one.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";

import { Icon } from "../icons.jsx";
import { addressIn, namedIn } from "../workspace.js";

const WorkspaceDialog = lazy(() => import("./workspace_dialog.jsx"));

/** Keeps the address true: what somebody copies from it opens this workspace, and one that names another opens that. */
function useNamedWorkspace(ws) {
  const { pathname, search, hash } = useLocation();
  useEffect(() => {
    const named = namedIn(search);
    if (named && named !== ws) return window.location.reload();
    window.history.replaceState({ ...window.history.state, workspace: ws }, "", addressIn(ws, pathname + search + hash));
  }, [ws, pathname, search, hash]);
}

/** `WorkspaceSwitch({ws, wide})`: `wide` is the row of a phone's list of places. */
export function WorkspaceSwitch({ ws, wide = false }) {
  useNamedWorkspace(ws);
  const [open, setOpen] = useState(false);
  const button = useRef(null);
  const close = () => setOpen(false);
  return (
    <>
      <button ref={button} type="button" className={wide ? "row-link row-more" : "rail-workspace"} aria-label={`Workspace ${ws}`} aria-haspopup="dialog" title={wide ? undefined : `Workspace ${ws}`} onClick={() => setOpen(true)}>
        <Icon name="workspace" size={18} />
        <span className={wide ? "row-title" : undefined}>{ws}</span>
        {wide && <Icon name="right" size={14} />}
      </button>
      {open && <Suspense fallback={null}><WorkspaceDialog ws={ws} onClose={close} /></Suspense>}
    </>
  );
}
