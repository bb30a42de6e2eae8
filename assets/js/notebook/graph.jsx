// The flow as a graph: order and data at a glance, states live. A click goes to the cell.
import { Background, BaseEdge, Controls, Handle, MiniMap, Position, ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./graph.css";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { select } from "./commands.js";
import { useFact, useKey, useStore } from "./context.js";
import { layout } from "./graph_layout.js";
import { Glyph } from "./icons.jsx";
import { LOOKS } from "./state.jsx";

const MAP_FROM = 15; // nodes; smaller graphs are seen whole
const READABLE = 0.55; // below this zoom a graph is not shown whole at first, but around the selected cell

/** Shows all of it, or what is around the selected cell where all would be too small to read; again when the room changes. */
function useFit(store) {
  const [flow, setFlow] = useState(null);
  const box = useRef(null);
  useEffect(() => {
    if (!flow) return undefined;
    const fit = () => {
      flow.fitView({ maxZoom: 1, padding: 0.1 });
      if (flow.getZoom() >= READABLE) return;
      const at = flow.getNode(store.get("selected")) ?? flow.getNodes()[0];
      flow.setCenter(at.position.x + at.width / 2, at.position.y + box.current.clientHeight / 3, { zoom: 0.85 });
    };
    const observer = new ResizeObserver(fit);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [flow]);
  return { box, setFlow };
}

export function Graph() {
  const store = useStore();
  const order = useKey("order") ?? [];
  const version = useKey("draft").version;
  const { box, setFlow } = useFit(store);
  const { nodes, edges } = useMemo(() => flowOf(layout(order.map((id) => store.cell(id)))), [order, version]);
  if (!order.length) return <div className="nb-graph"><p className="nb-empty nb-pad">Nothing to draw yet. Add a cell, and it appears here.</p></div>;
  return (
    <div ref={box} className="nb-graph" role="group" aria-label="Graph of the flow">
      <ReactFlow nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} onInit={setFlow} minZoom={0.1} maxZoom={1.5} nodesDraggable={false} nodesConnectable={false} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} onlyRenderVisibleElements colorMode="light">
        <Background gap={22} size={1.2} />
        <Controls showInteractive={false} />
        {nodes.length >= MAP_FROM && <MiniMap pannable zoomable ariaLabel="Map of the graph" nodeClassName={(node) => `nb-map-${node.type}`} />}
      </ReactFlow>
    </div>
  );
}

function flowOf({ nodes, edges }) {
  return {
    nodes: nodes.map(({ id, x, y, width, height, box, label }) => ({
      id, position: { x, y }, width, height, data: { label }, type: label ? "label" : box ? "box" : "cell", zIndex: box ? 0 : 1, style: { width, height },
    })),
    edges: edges.map(({ from, to, kind }) => ({
      id: `${kind}:${from}:${to}`, source: from, target: to, className: `nb-edge-${kind}`,
      ...(kind === "wire" ? { sourceHandle: "out", targetHandle: "in", type: "wire" } : { sourceHandle: "below", targetHandle: "above", type: "smoothstep" }),
    })),
  };
}

const GraphNode = memo(function GraphNode({ id }) {
  const store = useStore();
  const cell = useKey(`cell:${id}`);
  const state = useKey(`state:${id}`);
  const selected = useFact("selected", (at) => at === id);
  if (!cell) return null;
  const look = LOOKS[state?.kind] ?? LOOKS.never;
  return (
    <>
      <Handles />
      <button type="button" className="nb-node" data-tone={look.tone} data-selected={selected || undefined} aria-label={`${cell.step_id} ${cell.title || "Untitled"}, ${state?.text ?? "Not run"}`} title="Go to the cell" onClick={() => select(store, id)}>
        <span className="nb-chip nb-chip-fixed">{cell.step_id}</span>
        <span className="nb-node-title">{cell.title || "Untitled"}</span>
        <span className="nb-node-kind">{cell.language_label}</span>
        <span className="nb-node-state"><Glyph name={look.icon} size={12} /> <span>{state?.text ?? "Not run"}</span></span>
      </button>
    </>
  );
});

const Handles = () => (
  <>
    <Handle id="above" type="target" position={Position.Top} />
    <Handle id="below" type="source" position={Position.Bottom} />
    <Handle id="in" type="target" position={Position.Right} style={{ top: 36 }} />
    <Handle id="out" type="source" position={Position.Right} style={{ top: 18 }} />
  </>
);

/** Always around the right side: the middle belongs to the order. */
function Wire({ id, sourceX, sourceY, targetX, targetY }) {
  const out = Math.max(sourceX, targetX) + 36 + Math.abs(targetY - sourceY) * 0.12;
  return <BaseEdge id={id} path={`M ${sourceX} ${sourceY} C ${out} ${sourceY}, ${out} ${targetY}, ${targetX} ${targetY}`} />;
}

const EDGE_TYPES = { wire: Wire };

const BranchLabel = ({ data }) => <span className="nb-node-label" title={data.label}>{data.label}</span>;

const NODE_TYPES = { cell: GraphNode, box: GraphNode, label: BranchLabel };
