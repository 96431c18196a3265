// Where the panels lie: the figure as Python made it, arranged as the visitor has it (order, heights, folds), in pixels.

export const GUTTER = { left: 132, right: 66, top: 40, bottom: 6 };
const MARGIN = { l: GUTTER.left, r: GUTTER.right, t: GUTTER.top, b: GUTTER.bottom, pad: 0 };
const [FOLDED, GAP, LEAST_MAP, FIRST_TRACKS] = [17, 7, 150, 7];

export const axisName = (axis) => `yaxis${axis.slice(1)}`;

// Panels of the figure top to bottom, in the visitor's order, each with its top and height. The map gets what the first screen leaves
// beside the sequence and the first tracks; a square stays one.
export function arranged(panels, { order, folded, heights }, shape, room) {
  const place = (panel) => (order.includes(panel.id) ? order.indexOf(panel.id) : panels.indexOf(panel));
  const found = [...panels].sort((one, other) => place(one) - place(other));
  const height = ({ id, height: usual }) => (folded.includes(id) ? FOLDED : heights[id] || usual);
  const others = found.filter(({ id }) => id !== "map").slice(0, FIRST_TRACKS);
  const spare = others.reduce((left, panel) => left - height(panel) - GAP, room.height - GUTTER.top - GUTTER.bottom);
  const most = shape === "triangle" ? room.width / 2 : room.width;
  const map = shape === "square" ? room.width : Math.round(Math.min(most, Math.max(LEAST_MAP, spare)));
  let top = GUTTER.top;
  return found.map((panel) => {
    const { id, state } = panel;
    const grows = id === "map" && !folded.includes(id) && !heights[id] && ["result", "partial"].includes(state);
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
