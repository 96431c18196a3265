// The address bar holds the whole view. The server reads and checks it once, when a session starts; only this file writes it.

function addressOf(view) {
  const { display, region, scene, selection } = view;
  const parameters = new URLSearchParams(scene.meta.address);
  const put = (name, value, usual) => (value === usual || value === null ? parameters.delete(name) : parameters.set(name, value));
  const [from, to] = [Math.floor(region.a) + 1, Math.ceil(region.b)];
  put("region", from === 1 && to === scene.length ? null : `${from}-${to}`, null);
  put("select", selection ? (selection.kind === "pair" ? `${selection.i + 1},${selection.j + 1}` : `${selection.i + 1}`) : null, null);
  for (const [name, usual] of Object.entries(USUAL_DISPLAY)) {
    if (name === "hidden") put("hide", display.hidden.join(",") || null, null);
    else put(ADDRESS_NAMES[name], display[name] === usual ? null : String(display[name]), null);
  }
  const query = parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `${window.location.pathname}${query ? `?${query}` : ""}`;
}

function writeAddress(view) {
  clearTimeout(view.addressTimer);
  view.addressTimer = setTimeout(() => {
    const { address, fixed } = view.scene.meta;
    if (!view.root.isConnected || fixed) return;
    // What has no address must not stand under that of something else.
    window.history.replaceState(window.history.state, "", address === null ? window.location.pathname : addressOf(view));
  }, 120);
}

const USUAL_DISPLAY = {
  mode: "square",
  palette: "cividis",
  low: 0,
  high: null,
  symmetry: "none",
  distance: 4,
  hideNear: 1,
  threshold: 0,
  arcs: 40,
  bases: "safe",
  hidden: [],
};
const ADDRESS_NAMES = {
  mode: "map",
  palette: "palette",
  low: "low",
  high: "high",
  symmetry: "symmetry",
  distance: "distance",
  hideNear: "near",
  threshold: "threshold",
  arcs: "arcs",
  bases: "bases",
};
