// Mouse, touch pad and keyboard.

function attachPointer(view) {
  const stage = view.dom.stage;
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.addEventListener("pointermove", (event) => (view.drag ? dragTo(view, ...place(event)) : hover(view, ...place(event))));
  stage.addEventListener("pointerleave", () => !view.drag && view.setCursor(null));
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".lv-menu")) return;
    view.hideMenu();
    beginDrag(view, event, ...place(event));
  });
  stage.addEventListener("pointerup", (event) => endDrag(view, ...place(event)));
  stage.addEventListener("pointercancel", () => (view.drag = null));
  stage.addEventListener("dblclick", (event) => {
    const where = locate(view, ...place(event));
    if (where) view.zoom(0.5, where.base);
  });
  stage.addEventListener("wheel", (event) => wheel(view, event, ...place(event)), { passive: false });
}

function hover(view, x, y) {
  const where = locate(view, x, y);
  if (where?.panel === "arcs") where.arc = arcAt(view, x, y);
  view.dom.stage.style.cursor = !where ? "default" : where.panel === "ruler" || view.tool === "select" ? "col-resize" : where.arc ? "pointer" : "crosshair";
  view.setCursor(where);
}

function beginDrag(view, event, x, y) {
  const where = locate(view, x, y);
  if (!where) return;
  view.dom.stage.setPointerCapture(event.pointerId);
  view.root.focus({ preventScroll: true });
  const overview = where.panel === "ruler" && y < panelById(view, "ruler").y + 12;
  const kind = overview ? "overview" : event.shiftKey || view.tool === "select" || where.panel === "ruler" ? "brush" : "move";
  view.drag = { kind, x, y, where, region: { ...view.region }, moved: false };
}

function dragTo(view, x, y) {
  const drag = view.drag;
  if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4) return;
  drag.moved = true;
  const width = drag.region.b - drag.region.a;
  if (drag.kind === "overview") {
    const centre = ((x - GUTTER.left) / view.layout.width) * view.scene.length;
    view.show(centre - width / 2, centre + width / 2);
  } else if (drag.kind === "move") {
    const shift = ((drag.x - x) / view.layout.width) * width;
    view.show(drag.region.a + shift, drag.region.b + shift);
  } else {
    const here = scaleOf(view).base(Math.max(GUTTER.left, Math.min(GUTTER.left + view.layout.width, x)));
    const [low, high] = [drag.where.base, here].sort((p, q) => p - q);
    view.setBrush({ from: Math.max(0, Math.floor(low)), to: Math.min(view.scene.length, Math.ceil(high)) });
  }
}

function endDrag(view, x, y) {
  const drag = view.drag;
  view.drag = null;
  if (!drag) return;
  if (drag.moved) {
    if (drag.kind === "brush" && view.brush) view.openMenu(x, y);
    return;
  }
  view.setBrush(null);
  const where = drag.where;
  if (where.panel === "ruler" && drag.kind === "overview") return;
  if (where.panel === "arcs") {
    const pair = arcAt(view, x, y);
    if (pair) return view.select({ kind: "pair", i: pair.forward ? pair.i : pair.j, j: pair.forward ? pair.j : pair.i });
  }
  if (where.i !== undefined && where.i !== where.j) return view.select({ kind: "pair", i: where.i, j: where.j });
  view.select({ kind: "base", i: where.index });
}

// Ctrl + wheel and pinch always zoom; a plain wheel zooms once the figure is active, else the page scrolls and a hint says how.
function wheel(view, event, x, y) {
  const where = locate(view, x, y);
  if (!where) return;
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
  const active = event.ctrlKey || event.metaKey || (document.activeElement && view.root.contains(document.activeElement));
  if (!active && !sideways) return view.hint("Ctrl + wheel zooms; click the figure to zoom with the wheel alone");
  event.preventDefault();
  const width = view.region.b - view.region.a;
  if (sideways) {
    const shift = ((event.deltaX || event.deltaY) / view.layout.width) * width;
    view.show(view.region.a + shift, view.region.b + shift);
  } else view.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.0022), where.base);
}

function attachKeyboard(view) {
  const listen = (event) => {
    if (!view.root.isConnected) return document.removeEventListener("keydown", listen);
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    const elsewhere = event.target !== document.body && !view.root.contains(event.target);
    if (typing && event.key === "Escape" && view.root.contains(event.target)) return view.root.focus(), view.clear();
    if (typing || elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("button, [role=tab]") && ["Enter", " "].includes(event.key)) return;
    const act = KEYS[event.key] || (event.shiftKey && SHIFT_KEYS[event.key]) || null;
    if (!act) return;
    event.preventDefault();
    (event.shiftKey && SHIFT_KEYS[event.key] ? SHIFT_KEYS[event.key] : act)(view);
  };
  document.addEventListener("keydown", listen);
}

// Text that the server would refuse is stopped before it is sent, with a sentence.
function attachPaste(view) {
  const listen = (event) => {
    if (!view.root.isConnected) return document.removeEventListener("paste", listen, true);
    const limit = view.scene?.meta.longest_paste;
    if (!limit || !event.target.closest?.(".st-key-search textarea")) return;
    const size = event.clipboardData?.getData("text").length || 0;
    if (size <= limit) return;
    event.preventDefault();
    event.stopPropagation();
    view.alarm(`The pasted text has ${size.toLocaleString("en")} characters; at most ${limit.toLocaleString("en")} can be pasted. Open a longer sequence as a file.`);
  };
  document.addEventListener("paste", listen, true);
}

const pan = (part) => (view) => {
  const width = view.region.b - view.region.a;
  view.show(view.region.a + part * width, view.region.b + part * width);
};

const KEYS = {
  ArrowLeft: (view) => view.moveCursor(0, -1),
  ArrowRight: (view) => view.moveCursor(0, 1),
  ArrowUp: (view) => view.moveCursor(-1, 0),
  ArrowDown: (view) => view.moveCursor(1, 0),
  "+": (view) => view.zoom(0.5),
  "=": (view) => view.zoom(0.5),
  "-": (view) => view.zoom(2),
  0: (view) => view.show(0, view.scene.length),
  n: (view) => view.stepPair(1),
  p: (view) => view.stepPair(-1),
  s: (view) => view.setTool(view.tool === "select" ? "move" : "select"),
  m: (view) => view.setDisplay({ mode: { square: "wide", wide: "triangle", triangle: "square" }[view.display.mode] }),
  v: (view) => view.reverse(),
  d: (view) => view.toggle("settings"),
  "?": (view) => view.toggle("help"),
  "/": () => document.querySelector(".st-key-search textarea")?.focus(),
  Enter: (view) => view.selectCursor(),
  Escape: (view) => view.clear(),
};
const SHIFT_KEYS = { ArrowLeft: pan(-0.25), ArrowRight: pan(0.25) };
