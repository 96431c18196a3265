// Drawing: the whole figure when its layout changes, else only ranges; over and beside it what Plotly does not draw.
// A mark says in bases where it lies; the style sheet places it, in the box of its panel, which cuts it off.
import { arranged, composed, GUTTER } from "./layout.js";
import { chosen, element, isChosen, made, renew } from "./page.js";
import { middle, PLAIN, regionText, ticks } from "./ranges.js";
import { readout, selectionWords } from "./words.js";

const [BESIDE, COLUMN_TICK, ROW_TICK, RULER] = [820, 92, 46, 20]; // pixels: tables beside, between ticks, ruler
const ICON = { width: 24, height: 24, path: "M11 3h2v9h4l-5 5-5-5h4zM4 19h16v2H4z" };
export function draw(view, dirty) {
  const { dom, root, region } = view;
  const rows = rowsOf(view);
  if (dirty.has("layout")) drawLayout(view);
  else if (dirty.has("view")) drawRanges(view);
  if (dirty.has("layout") || dirty.has("status")) drawPanels(view);
  const seen = { "--a": region.a, "--w": region.b - region.a, "--from": rows.low, "--rows": rows.high - rows.low };
  for (const [name, value] of Object.entries(seen)) dom.over.style.setProperty(name, value);
  drawMarks(view);
  dom.readout.textContent = view.message || readout(view);
  if (document.activeElement !== dom.region) dom.region.value = regionText(region, view.facts.ruler);
  if (dirty.size > 1 || !dirty.has("cursor")) drawBeside(view, dirty.size === 1 && dirty.has("view"));
  root.dataset.ready = "true";
}
// Top and bottom of the map: rows, of the triangle distances.
export const rowsOf = ({ region, rows, display }) =>
  display.shape === "triangle" ? { low: -0.5, high: region.b - region.a } : { low: rows.a, high: rows.b };
function drawLayout(view) {
  const { root, dom, facts, display, tool } = view;
  const beside = root.clientWidth > BESIDE ? Math.max(280, root.clientWidth * 0.25) + 16 : 0;
  root.classList.toggle("fv-narrow", !beside);
  const room = Math.max(200, root.clientWidth - beside - GUTTER.left - GUTTER.right);
  const top = (part) => part.getBoundingClientRect().top; // the page may be scrolled
  const height = window.innerHeight - top(dom.figure) + top(root.closest(".block-container, body"));
  view.width = display.shape === "square" ? Math.min(room, Math.max(420, window.innerHeight - 260)) : room;
  view.laid = arranged(facts.panels, view.arrangement, display.shape, { width: view.width, height });
  const { data, layout } = composed(view);
  for (const [axis, change] of Object.entries(followed(view))) Object.assign(layout[axis], change);
  layout.images = images(view);
  const save = (name) => ({ name, title: `What is seen, as ${name}`, icon: ICON, click: () => view.picture(name) });
  const bar = { displaylogo: false, displayModeBar: true, showTips: false, modeBarButtons: [["png", "svg"].map(save)] };
  window.Plotly.react(dom.plot, data, layout, bar);
  dom.figure.style.cssText = `width:${layout.width}px;height:${layout.height}px`;
  dom.over.style.cssText = `left:${GUTTER.left}px;width:${view.width}px`;
  dom.plot.ariaLabel = facts.words;
  for (const name of ["sentence", "counts"]) dom[name].textContent = facts[name];
  const pressed = ({ dataset }) => String([display.shape, tool].includes(dataset.pressed));
  for (const button of root.querySelectorAll("[data-pressed]")) button.ariaPressed = pressed(button);
}
// Axes that follow the region, with ticks: letters or blocks of a panel that has both, rows or distances of the map.
function followed(view) {
  const { region, facts, laid, width } = view;
  const axis = ({ a, b }) => [a + 0.5, b + 0.5]; // base 0 lies from 0.5 to 1.5
  const found = { xaxis: { range: axis(region), ...ticks(region, facts.ruler, width / COLUMN_TICK) } };
  for (const { id, key, height, near, far, letter_pixels } of laid) {
    if (near) found[key] = { range: view.scale() < letter_pixels ? far : near };
    if (id !== "map") continue;
    const { low, high } = rowsOf(view);
    const [shift, rows, ruler] = low < 0 ? [0, { a: 0, b: high }, PLAIN] : [0.5, view.rows, facts.ruler];
    found[key] = { range: [high + shift, low + shift], ...ticks(rows, ruler, height / ROW_TICK) };
  }
  return found;
}
// Only ranges: Plotly's short way. Ticks go where it looks for them; the picture changes where bases become pixels.
function drawRanges(view) {
  const { plot } = view.dom;
  const change = {};
  for (const [axis, { range, ...more }] of Object.entries(followed(view))) {
    for (const layout of [plot.layout, plot._fullLayout]) Object.assign(layout[axis], more);
    if (String(plot.layout[axis].range) !== String(range)) change[`${axis}.range`] = range;
  }
  const pictures = images(view);
  if (pictures.some(({ source }, k) => source !== plot.layout.images[k]?.source)) change.images = pictures;
  window.Plotly.relayout(plot, change);
}
// The figure's pictures and the map's: cells, where they are narrower than a pixel blocks of them.
function images(view) {
  const panel = view.panel("map");
  const kind = view.display.shape === "triangle" ? "bricks" : "cells";
  const { low, high } = rowsOf(view);
  const found = panel?.folded ? [] : view.layers.filter((layer) => layer[`${kind}1`]);
  const pictures = found.map((layer) => {
    const pixels = Math.min(view.scale(), panel.height / (high - low)) * layer.bin;
    const there = [1, 2, 4, 8].filter((block) => layer[kind + block]);
    const block = there.find((cells) => cells * pixels >= 0.7) || there.at(-1);
    const size = Math.ceil(layer.width / block) * block * layer.bin;
    const y = low < 0 ? -0.5 * block * layer.bin : layer.offset + 0.5;
    const place = { x: layer.offset + 0.5, y, sizex: size, sizey: size, xref: "x", yref: panel.axis };
    const how = { xanchor: "left", yanchor: "top", sizing: "stretch", layer: "below" };
    return { source: layer.picture(view.look(), kind, block), ...place, ...how };
  });
  return [...(view.figure.layout.images || []), ...pictures];
}
// Left of each panel its title, quantity, model and fold; over it a box for names and marks, and its state in words.
function drawPanels(view) {
  const { laid, dom, results } = view;
  const { states = {} } = results.status?.header || {};
  const place = ({ top, height }) => `top:${top}px;height:${height}px`;
  const ruler = { id: "ruler", top: GUTTER.top - RULER, height: RULER };
  const boxes = [ruler, ...laid.filter(({ folded }) => !folded)].map((panel) => {
    const { id, state, words, analyses = [], names = [], arcs } = panel;
    const box = element("div", { class: "fv-clip", "data-panel": id, style: place(panel) }, ...names.map(made));
    if (arcs) box.insertAdjacentHTML("beforeend", arcs); // numbers only
    const said = (state !== "result" && analyses.map((name) => states[name]).find(Boolean)) || words;
    if (said) box.append(element("span", { class: `fv-note fv-${state}` }, said));
    box.append(element("div", { "data-marks": id }));
    return box;
  });
  const heads = laid.map((panel) => {
    const kind = `fv-head${panel.folded ? " fv-folded" : ""}${panel.height < 30 ? " fv-low" : ""}`;
    const box = element("div", { class: kind, style: place(panel) }, ...panel.head.map(made));
    box.firstChild.ariaExpanded = !panel.folded;
    if (panel.id === "map" && view.facts.map && view.layers.length) box.append(colourBar(view));
    return box;
  });
  dom.over.replaceChildren(...boxes);
  renew(dom.heads, heads);
}
function colourBar({ look, facts, display, layers }) {
  const { limit, name } = look();
  const top = Number(limit.toPrecision(3));
  const low = layers[0].centre > 0 ? `−${top}` : display.scale === "log" ? top / 100 : 0;
  const bar = element("i", { style: `background:${facts.gradients[name]}` });
  return element("div", { class: "fv-colours" }, bar, `${low} – ${top} ${facts.map.unit}`);
}
function mark(kind, [x0, x1, ...rows], ...children) {
  const style = `--x0:${x0};--x1:${x1}${rows.map((row, k) => `;--y${k}:${row}`).join("")}`;
  return element("i", { class: `fv-mark fv-${kind}`, style }, ...children);
}
// The selection and the cursor, with at most one small tag a panel.
function drawMarks({ dom, laid, selection, cursor, brush, display, region }) {
  for (const box of dom.over.querySelectorAll("[data-marks]")) {
    const isMap = box.dataset.marks === "map";
    const places = (one, kind, half) => {
      const { i, j } = one || {};
      if (isMap && i !== j) return cell(display.shape, kind, i, j);
      return one ? [...new Set([i, j])].map((base) => mark(`${kind}-base`, [base + half, base + 1 - half])) : [];
    };
    const found = [...places(selection, "picked", 0), ...places(cursor, "hover", 0.5)];
    if (brush)
      found.push(mark("brush", [brush.a, brush.b, ...(isMap && brush.rows ? [brush.rows.a, brush.rows.b] : [])]));
    const tag = cursor && laid.find(({ id, names }) => id === box.dataset.marks && !names.length)?.tags?.[cursor.j];
    const side = cursor?.j > middle(region) ? "tag fv-left" : "tag";
    if (tag) found.push(mark(side, [cursor.j, cursor.j + 1], tag));
    if (found.length || box.firstChild) box.replaceChildren(...found);
  }
  for (const arc of dom.over.querySelectorAll("path")) arc.classList.toggle("fv-selected", isChosen(arc, selection));
}
function cell(shape, kind, i, j) {
  if (shape === "triangle")
    return [mark(kind, [(i + j) / 2, (i + j) / 2 + 1, Math.abs(i - j) - 0.5, Math.abs(i - j) + 0.5])];
  const lines = [mark(`${kind}-column`, [j + 0.5, j + 0.5]), mark(`${kind}-row`, [0, 0, i + 0.5, i + 0.5])];
  return [...lines, mark(kind, [j, j + 1, i, i + 1])];
}
// Progress and tabs as the server describes them; rows out of view are hidden, the selected one is marked.
function drawBeside(view, moved) {
  const { dom, root, region, selection, results } = view;
  root.dataset.tab = view.tab;
  const { of, nodes } = results.card?.header || {};
  const words = selection ? selectionWords(view) : dom.card.dataset.empty;
  if (view.plain?.[0][2] !== words) view.plain = [["p", {}, words]]; // what is the same is not drawn again
  const card = selection && of === chosen(selection) ? nodes : view.plain;
  const boxes = { progress: results.status?.header.nodes || view.none, ...results.side?.header.tabs, card };
  for (const [name, content] of Object.entries(boxes)) {
    if (dom[name].content === content) continue;
    renew(Object.assign(dom[name], { content }), content.map(made));
    view.listed = [...root.querySelectorAll("tr[data-places]")];
  }
  for (const row of view.listed) {
    const ends = row.dataset.places.split(",");
    const hidden = Math.max(...ends) <= region.a || Math.min(...ends) > region.b;
    if (row.hidden !== hidden) row.hidden = hidden; // each that is set costs style
    if (!moved) row.ariaSelected = isChosen(row, selection);
  }
  for (const tab of root.querySelectorAll("[role=tab]")) tab.ariaSelected = tab.dataset.tab === view.tab;
}
