import assert from "node:assert/strict";
import { test } from "node:test";

import { isPlotly, plotlyToVegaLite } from "../../../../assets/js/output/plotly.js";

test("a figure is told from a Vega-Lite chart", () => {
  assert.equal(isPlotly({ data: [{ type: "bar", x: [1], y: [2] }] }), true);
  assert.equal(isPlotly({ data: { values: [] }, mark: "bar" }), false);
  assert.equal(isPlotly({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", data: [] }), false);
});

test("bars keep the order of their categories", () => {
  const { spec } = plotlyToVegaLite({ data: [{ type: "bar", x: ["b", "a"], y: [2, 1] }], layout: { title: { text: "T" }, yaxis: { title: "total" } } });
  assert.equal(spec.mark.type, "bar");
  assert.equal(spec.encoding.x.sort, null);
  assert.equal(spec.title, "T");
  assert.equal(spec.encoding.y.title, "total");
});

test("lines over dates are temporal, one colour per trace", () => {
  const trace = (name) => ({ type: "scatter", mode: "lines", name, x: ["2026-01-01", "2026-02-01"], y: [1, 2] });
  const { spec } = plotlyToVegaLite({ data: [trace("A"), trace("B")] });
  assert.equal(spec.encoding.x.type, "temporal");
  assert.equal(spec.encoding.color.field, "series");
  assert.equal(spec.data.values.length, 4);
});

test("horizontal bars swap the axes", () => {
  const { spec } = plotlyToVegaLite({ data: [{ type: "bar", orientation: "h", x: [5], y: ["EMEA"] }] });
  assert.deepEqual([spec.encoding.y.field, spec.encoding.x.field, spec.data.values[0]], ["x", "y", { x: "EMEA", y: 5, series: "series 1" }]);
});

test("what is not drawn says so", () => {
  assert.match(plotlyToVegaLite({ data: [{ type: "pie" }] }).reason, /pie/);
  assert.match(plotlyToVegaLite({ data: [{ type: "bar", x: { bdata: "" } }] }).reason, /binary/);
  assert.match(plotlyToVegaLite({ data: [{ type: "bar", x: [1], y: [1] }, { type: "scatter", mode: "lines", x: [1], y: [1] }] }).reason, /mixes/);
});
