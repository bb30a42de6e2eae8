// Runs before the page's own scripts have loaded: asks for the notebook that the address names, so that the answer is there
// when they are. A classic script on purpose, served as it is; notebook/store.js takes the answer, once.
(() => {
  const draft = /^\/flows\/([^/]+)\/?$/.exec(window.location.pathname)?.[1];
  if (!draft) return;
  const path = `/api/w/main/drafts/${draft}/notebook`;
  const answer = fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" } })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  window.flowappEarly = { path, answer };
})();
