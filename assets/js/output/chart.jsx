// Charts by Vega-Lite. Expressions are interpreted, not compiled, so that the page needs no eval; data must be inside the spec.
import { useEffect, useRef, useState } from "react";
import * as vega from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile } from "vega-lite";

import { isPlotly, plotlyToVegaLite } from "./plotly.js";

const TOKENS = { text: "--text", muted: "--muted", line: "--line", surface: "--surface" };
const SERIES = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"];

function theme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  const c = Object.fromEntries(Object.entries(TOKENS).map(([key, name]) => [key, read(name)]));
  const font = read("--ui");
  const series = SERIES.map(read);
  const words = { labelColor: c.muted, titleColor: c.muted, labelFont: font, titleFont: font, labelFontSize: 11, titleFontSize: 12, titleFontWeight: 500 };
  return {
    background: null,
    font,
    padding: 4,
    axisDiscrete: { labelAngle: 0, labelLimit: 120, labelOverlap: "greedy" },
    axis: { ...words, gridColor: c.line, domainColor: c.line, tickColor: c.line },
    legend: { ...words, symbolType: "circle" },
    header: words,
    title: { color: c.text, font, fontSize: 13, fontWeight: 600, anchor: "start", offset: 10 },
    view: { stroke: null },
    range: { category: series },
    mark: { color: series[0] },
    bar: { color: series[0], cornerRadiusEnd: 2 },
    line: { color: series[0], strokeWidth: 2 },
    point: { color: series[0], filled: true, size: 36 },
    area: { color: series[0], opacity: 0.7 },
    arc: { stroke: c.surface },
    text: { color: c.text, font },
  };
}

/** A loader that refuses every address: a chart cannot be made to fetch. */
function closedLoader() {
  const loader = vega.loader();
  const refuse = () => Promise.reject(new Error("A chart here cannot load data from an address. Put the values into the chart."));
  loader.load = loader.http = loader.file = loader.sanitize = refuse;
  return loader;
}

const isVega = (spec) => String(spec.$schema || "").includes("/vega/") || Array.isArray(spec.marks);

function prepare(given, width, config) {
  let spec = given;
  if (isPlotly(given)) {
    const { spec: converted, reason } = plotlyToVegaLite(given);
    if (reason) throw new Error(reason);
    spec = converted;
  }
  if (isVega(spec)) return vega.parse(spec, config, { ast: true });
  const composed = spec.hconcat || spec.vconcat || spec.concat || spec.facet || spec.repeat;
  const sized = composed ? spec : { ...spec, width: typeof spec.width === "number" ? Math.min(spec.width, width) : width, height: spec.height ?? 240, autosize: { type: "fit", contains: "padding" } };
  return vega.parse(compile(sized, { config, logger: quiet }).spec, null, { ast: true });
}

const quiet = { warn: () => quiet, info: () => quiet, debug: () => quiet, error: () => quiet, level: () => quiet };

export default function Chart({ spec }) {
  const box = useRef(null);
  const [error, setError] = useState(null);
  const [width, setWidth] = useState(0);
  const [shade, setShade] = useState(0);
  useEffect(() => {
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    sizes.observe(box.current);
    const modes = new MutationObserver(() => setShade((n) => n + 1)); // the colours are tokens: redraw when the theme changes
    modes.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
    return () => { sizes.disconnect(); modes.disconnect(); };
  }, []);
  useEffect(() => {
    if (!width) return;
    let view;
    let ended = false;
    setError(null);
    try {
      if (!spec || typeof spec !== "object") throw new Error("The chart is not an object.");
      const runtime = prepare(spec, width, theme(box.current));
      view = new vega.View(runtime, { expr: expressionInterpreter, renderer: "svg", container: box.current, hover: true, loader: closedLoader(), logger: quiet });
      view.runAsync().catch((reason) => !ended && setError(reason));
    } catch (reason) {
      setError(reason);
    }
    return () => { ended = true; view?.finalize(); };
  }, [spec, width, shade]);
  return (
    <div className="chart-view">
      <div ref={box} role="img" aria-label={typeof spec?.title === "string" ? spec.title : "Chart"} hidden={Boolean(error)} />
      {error && <p className="out-note" role="alert">The chart cannot be drawn: {error.message} Its data are in the JSON tab.</p>}
    </div>
  );
}
