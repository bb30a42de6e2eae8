// "Fork into my own space": a draft of a deployed flow under one's own path. What it names of variables and resources is shown first.
import { encoded, post, workspacePath } from "../api.js";
import { go } from "../workspace.js";

/** What the address of a notebook ends with when its names are to be looked at. */
export const TO_NAMES = "#named";

/** Make the fork and go there. Throws ApiError. */
export async function forkFlow(ws, path) {
  const made = await post(workspacePath(ws, "flows", "fork", encoded(path)));
  go(`/flows/${made.id}${made.names ? TO_NAMES : ""}`);
}
