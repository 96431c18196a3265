// Which panels there are and where they lie, in CSS pixels. One x scale for all of them.

const GUTTER = { left: 96, right: 62 };
const LETTER_PX = 7.2; // a base at least this wide gets its letter
const GAP = 7;

function plotWidth(view, available) {
  const room = Math.max(240, available - GUTTER.left - GUTTER.right);
  if (view.display.mode !== "square") return room;
  const side = Math.max(420, Math.min(900, window.innerHeight - 260));
  return Math.min(room, side);
}

function featureLanes(features) {
  const ends = [];
  return features.map((feature) => {
    let lane = ends.findIndex((end) => end < feature.start);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = feature.end + 1;
    return { ...feature, lane: Math.min(lane, 3) };
  });
}

// Panels top to bottom: {id, title, unit, y, height}. A panel is there when its data can be (meta.expected) and it is switched on.
function buildPanels(view, width) {
  const { scene, display } = view;
  const expects = (kind) => scene.meta.expected.includes(kind) || scene.results[kind];
  const lanes = view.features.reduce((most, f) => Math.max(most, f.lane + 1), 0);
  const mapHeight = display.mode === "square" ? width : display.mode === "triangle" ? Math.min(width / 2, 520) : Math.min(width, 420);
  const elements = scene.results.segmentation?.header.elements || scene.meta.elements || [];
  const wanted = [
    { id: "ruler", title: "", height: 38, when: true },
    { id: "features", title: "Annotation", height: lanes * 17, when: lanes > 0 },
    { id: "arcs", title: scene.map?.signed ? "Changed pairs" : "Strongest pairs", height: 74, when: expects("map") },
    { id: "sequence", title: "Sequence", unit: "5′→3′", height: 17, when: true, fixed: true },
    { id: "structure", title: "Contacts", unit: "dot-bracket", height: 15, when: !!scene.results.contacts },
    { id: "tokens", title: "Tokens", height: 16, when: expects("tokens"), fixed: false },
    { id: "map", title: scene.map?.signed ? "Difference" : "Dependency", unit: "", height: mapHeight, when: expects("map") },
    { id: "logo", title: "Reconstruction", unit: "bits", height: 58, when: expects("probabilities") },
    { id: "effects", title: "Substitution", unit: "", height: 56, when: expects("effects") },
    { id: "influence", title: "Influence", unit: "", height: 44, when: expects("effects") },
    { id: "entropy", title: "Entropy", unit: "bits", height: 40, when: expects("probabilities") },
    { id: "segmentation", title: "Elements", unit: "P", height: Math.max(1, elements.length) * 13, when: expects("segmentation") },
  ];
  let y = 2;
  const panels = [];
  for (const panel of wanted) {
    if (!panel.when || (!panel.fixed && display.hidden.includes(panel.id))) continue;
    panels.push({ ...panel, y });
    y += panel.height + (panel.id === "ruler" || panel.id === "sequence" ? 4 : GAP);
  }
  return { panels, height: y + 4, width, elements };
}

// x of a base's left edge, and the base under an x.
function scaleOf(view) {
  const { a, b } = view.region;
  const px = view.layout.width / (b - a);
  return { a, b, px, x: (base) => GUTTER.left + (base - a) * px, base: (x) => a + (x - GUTTER.left) / px };
}

function panelById(view, id) {
  return view.layout.panels.find((panel) => panel.id === id);
}

// What lies under a point: {panel, base (float), index, i, j}; in the map i is the changed base and j the one read.
function locate(view, x, y) {
  const scale = scaleOf(view);
  const panel = view.layout.panels.find((p) => y >= p.y - GAP / 2 && y < p.y + p.height + GAP / 2);
  if (!panel || x < GUTTER.left || x > GUTTER.left + view.layout.width) return null;
  const base = scale.base(x);
  const index = clampIndex(view, Math.floor(base));
  if (panel.id !== "map") return { panel: panel.id, base, index, x, y };
  if (view.display.mode === "triangle") {
    const distance = (2 * (y - panel.y)) / scale.px;
    const [i, j] = [Math.floor(base - distance / 2), Math.floor(base + distance / 2)];
    return inside(view, i) && inside(view, j) ? { panel: "map", base, index: j, i, j, x, y } : { panel: "map", base, index, x, y };
  }
  const row = Math.floor(view.region.a + ((y - panel.y) / panel.height) * (view.region.b - view.region.a));
  return { panel: "map", base, index, i: clampIndex(view, row), j: index, x, y };
}

function inside(view, index) {
  return index >= 0 && index < view.scene.length;
}

function clampIndex(view, index) {
  return Math.max(0, Math.min(view.scene.length - 1, index));
}

// For each pixel column (or base, when bases are wider) the half-open range of bases it stands for.
function* columns(view) {
  const scale = scaleOf(view);
  const first = Math.max(0, Math.floor(scale.a));
  const last = Math.min(view.scene.length, Math.ceil(scale.b));
  if (scale.px >= 1) {
    for (let i = first; i < last; i++) yield { from: i, to: i + 1, x: scale.x(i), width: scale.px };
    return;
  }
  const perPixel = 1 / scale.px;
  for (let k = 0; k < view.layout.width; k++) {
    const from = Math.max(first, Math.floor(scale.a + k * perPixel));
    const to = Math.min(last, Math.max(from + 1, Math.floor(scale.a + (k + 1) * perPixel)));
    if (to > from) yield { from, to, x: GUTTER.left + k, width: 1 };
  }
}

function extreme(range, valueOf) {
  let best = NaN;
  for (let i = range.from; i < range.to; i++) {
    const v = valueOf(i);
    if (Number.isNaN(best) || Math.abs(v) > Math.abs(best)) best = v;
  }
  return best;
}
