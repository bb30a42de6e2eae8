// The simple half of plotly figures (bar, line, scatter) as Vega-Lite; for anything else a sentence that says so. Pure.

const MARKS = { bar: "bar", scatter: "point", scattergl: "point", line: "line" };

export const isPlotly = (spec) => Array.isArray(spec?.data) && !("mark" in spec) && !("$schema" in spec) && !("layer" in spec) && spec.data.every((trace) => trace && typeof trace === "object");

/** `{spec}` for Vega-Lite, or `{reason}` when the figure is of a kind that is not drawn here. */
export function plotlyToVegaLite(figure) {
  const layout = figure.layout || {};
  const values = [];
  const marks = new Set();
  for (const [index, trace] of figure.data.entries()) {
    const type = trace.type || "scatter";
    if (!(type in MARKS)) return { reason: `Charts of plotly's type “${type}” are not drawn here.` };
    if (!Array.isArray(trace.x) && !Array.isArray(trace.y)) return { reason: "This plotly figure has no x and y lists (its data may be packed in binary form)." };
    marks.add(type === "bar" ? "bar" : (trace.mode || "lines").includes("lines") ? "line" : "point");
    const series = trace.name || `series ${index + 1}`;
    const across = trace.orientation === "h";
    const length = Math.max(trace.x?.length || 0, trace.y?.length || 0);
    for (let i = 0; i < length; i += 1) {
      const x = trace.x ? trace.x[i] : i;
      const y = trace.y ? trace.y[i] : i;
      values.push({ x: across ? y : x, y: across ? x : y, series });
    }
  }
  if (marks.size !== 1) return { reason: "A plotly figure that mixes kinds of marks is not drawn here." };
  const mark = [...marks][0];
  const across = figure.data[0].orientation === "h";
  const category = { field: "x", type: typeOf(values.map((row) => row.x), mark), title: titleOf(across ? layout.yaxis : layout.xaxis), ...(mark === "bar" && { sort: null }) };
  const amount = { field: "y", type: "quantitative", title: titleOf(across ? layout.xaxis : layout.yaxis), ...(mark === "bar" && layout.barmode !== "stack" && { stack: null }) };
  const several = figure.data.length > 1;
  return {
    spec: {
      data: { values },
      title: textOf(layout.title),
      mark: { type: mark, ...(mark === "line" && { point: values.length < 60 }) },
      encoding: {
        [across ? "y" : "x"]: category,
        [across ? "x" : "y"]: amount,
        ...(several && { color: { field: "series", type: "nominal", title: null } }),
        ...(several && mark === "bar" && layout.barmode !== "stack" && { [across ? "yOffset" : "xOffset"]: { field: "series" } }),
      },
    },
  };
}

function typeOf(values, mark) {
  const seen = values.filter((value) => value !== null && value !== undefined);
  if (seen.every((value) => typeof value === "number")) return mark === "bar" ? "ordinal" : "quantitative";
  if (seen.every((value) => typeof value === "string" && /^\d{4}-\d\d(-\d\d|$)/.test(value))) return "temporal";
  return "nominal";
}

const textOf = (title) => (title && typeof title === "object" ? title.text : title) || undefined;
const titleOf = (axis) => textOf(axis?.title) || null;
