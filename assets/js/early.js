// Runs before the page's own scripts have loaded: asks for the notebook that the address names, so that the answer is there
// when they are. A classic script on purpose, served as it is; notebook/store.js takes the answer, once.
(() => {
  const draft = /^\/flows\/([^/]+)\/?$/.exec(window.location.pathname)?.[1];
  if (!draft) return;
  let ws = new URLSearchParams(window.location.search).get("workspace");
  try {
    ws ||= history.state?.workspace || sessionStorage.getItem("flowapp.workspace"); // as workspace.js; an answer for another is not used
  } catch {
    // a browser that keeps nothing
  }
  const path = `/api/w/${encodeURIComponent(ws || "main")}/drafts/${draft}/notebook`;
  const answer = fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" } })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  window.flowappEarly = { path, answer };
})();
