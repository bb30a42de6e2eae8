// The open requests of a cell, answered in the cell. Loaded when a cell waits.
import { useEffect, useState } from "react";
import { get, workspacePath } from "../api.js";
import { Request, useApprovals } from "../run/approvals.jsx";

export function InPlace({ ws, draftId, step }) {
  const [runs, setRuns] = useState([]);
  const [error, setError] = useState(null);
  useEffect(() => {
    get(workspacePath(ws, "runs"), { draft: draftId, status: "suspended" }).then((found) => setRuns(found.map((run) => run.id)), setError);
  }, [ws, draftId]);
  if (error) return <p className="form-error" role="alert">{error.message}</p>;
  return <div className="nb-approvals">{runs.map((runId) => <InRun key={runId} ws={ws} runId={runId} step={step} />)}</div>;
}

function InRun({ ws, runId, step }) {
  const { requests, load } = useApprovals(ws, runId);
  return requests.filter((one) => one.status === "open" && (!step || one.step_id === step)).map((one) => <Request key={one.path} ws={ws} request={one} reload={load} plain />);
}
