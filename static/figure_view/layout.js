// Where the panels lie: the figure as Python made it, arranged as the visitor has it (order, heights, folds), in pixels.

import { limited } from "./ranges.js";

export const GUTTER = { left: 132, right: 66, top: 40, bottom: 6 };
const MARGIN = { l: GUTTER.left, r: GUTTER.right, t: GUTTER.top, b: GUTTER.bottom, pad: 0 };
const [LINE, GAP, LEAST_MAP, GOOD_MAP, TRACKS] = [17, 7, 150, 240, 3];

export const axisName = (axis) => `yaxis${axis.slice(1)}`;

// Panels of the figure top to bottom, in the visitor's order, each with its top and height. The map gets what the first screen leaves beside
// what stands over it and, where there is room, three tracks under it; a square stays one.
export function arranged(panels, { order, folded, heights }, shape, room) {
  const place = (panel) => (order.includes(panel.id) ? order.indexOf(panel.id) : panels.indexOf(panel));
  const found = [...panels].sort((one, other) => place(one) - place(other));
  const isLine = ({ id, state }) => folded.includes(id) || state === "cannot";
  const height = (panel) => (isLine(panel) ? LINE : heights[panel.id] || panel.height);
  const at = found.findIndex(({ id }) => id === "map");
  let spare = found.slice(0, at).reduce((left, panel) => left - height(panel) - GAP, room.height - GUTTER.top);
  for (const panel of found.slice(at + 1, at + 1 + TRACKS))
    if (spare - height(panel) - GAP > GOOD_MAP) spare -= height(panel) + GAP;
  const most = shape === "triangle" ? room.width / 2 : room.width;
  const map = shape === "square" ? room.width : Math.round(limited(spare - GAP, LEAST_MAP, most));
  let top = GUTTER.top;
  return found.map((panel) => {
    const { id, state } = panel;
    const grows = id === "map" && !isLine(panel) && !heights[id] && state !== "waiting";
    const laid = { ...panel, top, height: grows ? map : height(panel), folded: folded.includes(id) };
    top += laid.height + GAP;
    return laid;
  });
}

// Traces and layout for Plotly. Folded panels and elements without a tick in their box are not drawn.
export function composed({ figure, laid, width, arrangement }) {
  const inner = laid.at(-1).top + laid.at(-1).height - GUTTER.top;
  const off = laid.flatMap(({ id, choices }) =>
    (choices || []).filter(({ name }) => arrangement.off.includes(`${id}/${name}`)),
  );
  const gone = (trace, k) =>
    off.some((choice) => choice.trace === k) || laid.some(({ axis, folded }) => folded && axis === trace.yaxis);
  const data = figure.data.map((trace, k) => ({ ...trace, visible: !gone(trace, k) }));
  const height = inner + GUTTER.top + GUTTER.bottom;
  const size = { width: width + GUTTER.left + GUTTER.right, height, margin: MARGIN };
  const layout = { ...figure.layout, ...size, xaxis: { ...figure.layout.xaxis } };
  for (const { axis, top, height: tall, folded } of laid) {
    const bottom = Math.max(0, 1 - (top - GUTTER.top + tall) / inner);
    const own = figure.layout[axisName(axis)];
    const domain = [bottom, Math.min(1, bottom + tall / inner)];
    layout[axisName(axis)] = { ...own, domain, visible: own.visible && !folded };
  }
  return { data, layout };
}
