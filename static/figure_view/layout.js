// Where the panels lie: the figure as Python made it, in the visitor's order, heights and folds; in pixels.
import { limited } from "./ranges.js";
export const GUTTER = { left: 146, right: 66, top: 40, bottom: 6 };
const MARGIN = { l: GUTTER.left, r: GUTTER.right, t: GUTTER.top, b: GUTTER.bottom, pad: 0 };
const [LINE, GAP, ENOUGH, LEAST_MAP, TRACKS] = [17, 7, 220, 100, 3];

// Panels top to bottom, each with its top and height. The map gets what the first screen leaves beside what stands over
// it and three tracks under it, on low screens three in all; a square stays one.
export function arranged(panels, { order, folded, heights }, shape, room) {
  const place = (panel) => (order.includes(panel.id) ? order.indexOf(panel.id) : panels.indexOf(panel));
  const found = [...panels].sort((one, other) => place(one) - place(other));
  const isLine = ({ id, state }) => folded.includes(id) || state === "cannot";
  const height = (panel) => (isLine(panel) ? LINE : heights[panel.id] || panel.height);
  const at = found.findIndex(({ id }) => id === "map");
  const beside = (count) => found.slice(0, at + 1 + count).filter(({ id }) => id !== "map");
  const all = room.height - GUTTER.top - GAP;
  const spare = (count) => beside(count).reduce((left, panel) => left - height(panel) - GAP, all);
  const over = beside(0).filter(({ id }) => id !== "sequence").length;
  const left = spare(spare(TRACKS) < ENOUGH ? Math.max(0, TRACKS - over) : TRACKS);
  const most = shape === "triangle" ? room.width / 2 : room.width;
  const map = shape === "square" ? room.width : Math.round(limited(left, LEAST_MAP, most));
  let top = GUTTER.top;
  return found.map((panel) => {
    const grows = panel.id === "map" && !isLine(panel) && !heights.map && panel.state !== "waiting";
    const laid = { ...panel, top, height: grows ? map : height(panel), folded: folded.includes(panel.id) };
    top += laid.height + GAP;
    return laid;
  });
}
// Traces and layout for Plotly. A folded panel has no height; elements without a tick in their box are not drawn, and
// the names beside their rows say so.
export function composed({ figure, laid, width, arrangement: { off } }) {
  const inner = laid.at(-1).top + laid.at(-1).height - GUTTER.top;
  const gone = laid.flatMap(({ id, choices }) => (choices || []).filter(({ name }) => off.includes(`${id}/${name}`)));
  const data = figure.data.map((trace, k) => ({ ...trace, visible: !gone.some((choice) => choice.trace === k) }));
  const all = { width: width + MARGIN.l + MARGIN.r, height: inner + MARGIN.t + MARGIN.b, margin: MARGIN };
  const layout = { ...figure.layout, ...all, xaxis: { ...figure.layout.xaxis } };
  for (const { key, top, height, folded, choices } of laid) {
    const [own, high] = [figure.layout[key], 1 - (top - GUTTER.top) / inner];
    const domain = [Math.max(0, high - (folded ? 1e-6 : height / inner)), high];
    const ticktext = own.ticktext?.map((text, k) => (gone.includes(choices?.[k]) ? `${text} off` : text));
    layout[key] = { ...own, ...(ticktext && { ticktext }), domain, visible: !folded && own.visible !== false };
  }
  return { data, layout };
}
