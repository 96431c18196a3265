// Buttons and keys call methods of the view, by data-act="zoom 0.5" and data-key; the pointer reads, selects, drags.
import { rowsOf } from "./draw.js";
import { settingOf } from "./page.js";
import { limited, pairAt, shifted, spanned } from "./ranges.js";
import { regionWords } from "./words.js";

const DOUBLE_CLICK = 220; // milliseconds in which a second click makes the first one no selection
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable=true]";
function act(view, call) {
  const [name, ...words] = call.split(" ");
  const before = view.region;
  view[name](...words.map((word) => (Number.isNaN(Number(word)) ? word : Number(word))));
  if (view.region !== before && name !== "moveCursor") view.say(regionWords(view));
}
export function attachActs(view) {
  const { root } = view;
  root.addEventListener("click", ({ target }) => {
    const found = target.closest("[data-act]");
    if (found) act(view, found.dataset.act);
  });
  root.addEventListener("change", ({ target }) => {
    if (target.name === "region") view.goTo(target.value);
    if (target.name === "rate") view.set({ threshold: view.facts.map.rated.stops[target.value - 1]?.limit ?? 0 });
    if ("usual" in target.dataset && target.reportValidity())
      view.set({ [target.name]: settingOf(target, target.value) });
  });
  const pressed = (event) => {
    if (!root.isConnected) return document.removeEventListener("keydown", pressed);
    const { target, key, shiftKey, ctrlKey, metaKey, altKey } = event;
    const inside = root.contains(target);
    if (key === "Escape" && inside) root.focus();
    else if (target.closest?.(TYPING)) return;
    if ((!inside && target !== document.body) || ctrlKey || metaKey || altKey) return;
    const row = key === "Enter" && target.closest?.("tr[data-act]");
    if (!row && ["Enter", " "].includes(key) && target.closest?.("button, input")) return;
    const find = (name) => root.querySelector(`[data-key="${CSS.escape(name)}"]`);
    const found = row || (shiftKey && find(`Shift+${key}`)) || find(key);
    if (!found) return;
    event.preventDefault();
    act(view, found.dataset.act);
  };
  document.addEventListener("keydown", pressed);
}
// Under the pointer: {panel, base, i, j}, i changed and j read in the map and on arcs; in the map {row, height}, too.
function locate(view, { target, clientX, clientY }) {
  const box = target.closest?.("[data-panel]");
  if (!box) return null;
  const { region, length, layers } = view;
  const { left, top, width, height } = box.getBoundingClientRect();
  const inside = (number) => limited(Math.floor(number), 0, length - 1);
  const base = region.a + ((clientX - left) / width) * (region.b - region.a);
  const found = { panel: box.dataset.panel, base, i: inside(base), j: inside(base) };
  const [i, j] = (target.dataset.places || "").split(",").map((place) => place - 1); // an arc
  if (j) return { ...found, i, j };
  if (found.panel !== "map" || !layers.length) return found;
  const { low, high } = rowsOf(view);
  const row = low + ((clientY - top) / height) * (high - low);
  if (low >= 0) return { ...found, row, height, i: inside(row) };
  const [changed, read] = pairAt(base, row);
  return changed >= 0 && read < length ? { ...found, i: changed, j: read } : found;
}
export function attachPointer(view) {
  const stage = view.dom.figure;
  let drag = null;
  let click = 0;
  const does = {
    pointerdown(event) {
      const { grip } = event.target.dataset;
      const where = event.button ? null : locate(view, event);
      if (!where && !grip) return;
      const marks = event.shiftKey || view.tool !== "move" || where?.panel === "ruler";
      drag = { grip, where, marks, x: event.clientX, y: event.clientY, region: view.region, rows: view.rows };
      if (grip) drag.height = view.panel(grip).height;
      stage.setPointerCapture(event.pointerId);
      view.root.focus({ preventScroll: true });
      view.leaveRegion();
    },
    pointermove(event) {
      if (!drag) return view.setCursor(locate(view, event));
      drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 3;
      if (drag.moved) dragged(view, drag, event);
    },
    pointerup(event) {
      const { where, moved, marks } = drag || {};
      drag = null;
      clearTimeout(click);
      if (moved && marks) view.brushed(event.clientX - stage.getBoundingClientRect().left);
      if (where && !moved && where.panel !== "ruler") click = setTimeout(() => view.select(where), DOUBLE_CLICK);
    },
    pointerleave: () => drag || view.setCursor(null),
    dblclick(event) {
      clearTimeout(click);
      if (!event.target.closest(".fv-head, .fv-menu, .modebar")) view.whole();
    },
    wheel: (event) => wheel(view, event, locate(view, event)),
  };
  for (const name of Object.keys(does)) stage.addEventListener(name, does[name], { passive: false });
}
function dragged(view, { grip, height, where, marks, x, y, region, rows }, event) {
  if (grip) return view.resize(grip, height + event.clientY - y);
  const columns = (x - event.clientX) / view.scale();
  const down = where.row === undefined ? 0 : ((y - event.clientY) / where.height) * (rows.b - rows.a);
  if (!marks) return view.show(shifted(region, columns), view.isBlock() ? shifted(rows, down) : undefined);
  const rowsToo = view.tool === "box" && where.row !== undefined && spanned(where.row, where.row - down, view.length);
  view.setBrush({ ...spanned(where.base, where.base - columns, view.length), rows: rowsToo });
}
// Ctrl + wheel and pinch zoom; a plain wheel once the figure is active, else the page scrolls and a hint says how.
function wheel(view, event, where) {
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
  const active = event.ctrlKey || event.metaKey || sideways || view.root.contains(document.activeElement);
  if (where && !active) view.hint("Ctrl + wheel zooms; click the figure to zoom with the wheel alone");
  if (!where || !active) return;
  event.preventDefault();
  if (sideways) view.pan((event.deltaX || event.deltaY) / view.scale());
  else view.zoom(Math.exp(limited(event.deltaY, -120, 120) * 0.0022), where.base, where.row);
}
