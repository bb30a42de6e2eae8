// The page of all scripts of all hubs: search, filters, and what each hub says.
import { useEffect, useState } from "react";
import { Link, useNavigationType, useSearchParams } from "react-router";

import { Icon } from "../icons.jsx";
import { Problem, Skeleton, useDebounced } from "../output/parts.jsx";
import { count, number } from "../words.js";
import { useListing } from "./use_listing.js";
import { originWords, pageOf } from "./words.js";

const FIRST = 100;
const NAMES = ["q", "app", "language"];

/** `HubList({ws})`: what is searched stands in the address. */
export function HubList({ ws }) {
  const [params, setParams] = useSearchParams();
  const [q, app, language] = NAMES.map((name) => params.get(name) ?? "");
  const [typed, setTyped] = useState(q);
  const [limit, setLimit] = useState(FIRST);
  const rested = useDebounced(typed, 200);
  const way = useNavigationType();
  const { found, error, busy, again } = useListing(ws, { text: q, app, language, limit });
  const put = (name, value) => {
    setLimit(FIRST);
    setParams((now) => {
      const next = new URLSearchParams(now);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    }, { replace: true });
  };
  useEffect(() => {
    if (rested !== q) put("q", rested);
  }, [rested]);
  useEffect(() => {
    if (way !== "REPLACE") setTyped(q); // somebody went to another address: our own changes replace it
  }, [q]);
  const clear = () => {
    setTyped("");
    setParams({}, { replace: true });
  };
  return (
    <div className="page-in hub">
      <div className="list-head"><p className="form-help">Scripts that somebody else keeps, to use as a step of a flow by their path. A version never changes.</p></div>
      <div className="hub-filters" role="search">
        <label className="filter"><span>Search</span><input type="search" value={typed} placeholder="Words of the name or of what it does" onChange={(event) => setTyped(event.target.value)} /></label>
        <Choice label="App" all="All apps" value={app} options={found?.apps} onChange={(value) => put("app", value)} />
        <Choice label="Language" all="All languages" value={language} options={found?.languages} onChange={(value) => put("language", value)} />
      </div>
      {found && <Hubs hubs={found.hubs} busy={busy} again={again} />}
      {error && <Problem error={error} what="The hub" retry={again} />}
      {!found && !error && <div className="card list"><Skeleton lines={6} label="Loading the scripts" /></div>}
      {found && <Found {...{ found, busy, clear }} more={() => setLimit(limit + FIRST)} />}
    </div>
  );
}

function Choice({ label, all, value, options = [], onChange }) {
  const known = !value || options.some((one) => one.name === value) ? options : [...options, { name: value, label: value, count: 0 }];
  return (
    <label className="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{all}</option>
        {known.map((one) => <option key={one.name} value={one.name}>{`${one.label} (${number(one.count)})`}</option>)}
      </select>
    </label>
  );
}

/** What each hub says: how much it lists, that it is being asked, or why it lists nothing. */
function Hubs({ hubs, busy, again }) {
  return (
    <>
      <ul className="badges hub-hubs" aria-label="Hubs">
        {hubs.map((hub) => (
          <li key={hub.name} className={`badge ${hub.problem ? "bad" : hub.asked ? "" : "wait"}`} title={hub.name}>
            <Icon name={hub.problem ? "warn" : hub.asked ? "book" : "dots"} size={13} />
            {originWords(hub.origin, hub.name)}: {hub.problem ? "no answer" : hub.asked ? count(hub.count, "script") : "being asked"}
          </li>
        ))}
      </ul>
      {hubs.filter((hub) => hub.problem).map((hub) => (
        <div key={hub.name} className="notice" role="alert">
          <b>{hub.origin === "http" ? "A hub does not answer, so its scripts are not in this list." : "A hub cannot be read, so its scripts are not in this list."}</b>
          <span className="muted">{`${hub.problem[0].toUpperCase()}${hub.problem.slice(1)}`}{hub.origin === "http" && " Flows that use scripts which were fetched once go on working."}</span>
          <span><button type="button" className="link" disabled={busy} onClick={again}>Try again</button></span>
        </div>
      ))}
    </>
  );
}

function Found({ found, busy, clear, more }) {
  const waits = found.hubs.some((hub) => !hub.asked);
  if (!found.total && waits) return <div className="card list"><Skeleton lines={4} label="Asking the hub" /></div>;
  if (!found.total) return <div className="card empty"><b>No script matches</b><p>Hubs are searched by the words of a script's path and of its summary.</p><button type="button" className="btn" onClick={clear}>Show all scripts</button></div>;
  return (
    <>
      <p className="sr" role="status">{count(found.total, "script")}</p>
      <div className="card list" aria-busy={busy}>
        <ul>{found.scripts.map((script) => <Row key={script.path} script={script} />)}</ul>
      </div>
      {found.total > found.scripts.length && <div className="pages"><button type="button" className="btn" disabled={busy} onClick={more}>Show more of {count(found.total, "script")}</button></div>}
    </>
  );
}

function Row({ script }) {
  return (
    <li>
      <Link className="row-link row-hub" to={pageOf(script.path)}>
        <span className="row-names"><span className="row-title">{script.summary || script.name}</span><span className="row-sub mono">{script.path}</span></span>
        <span className="hub-marks">{script.kind !== "script" && <span className="pill">{script.kind}</span>}{script.language_label && <span className="pill">{script.language_label}</span>}</span>
        <span className="row-sub right">{originWords(script.origin, script.hub)}</span>
      </Link>
    </li>
  );
}
