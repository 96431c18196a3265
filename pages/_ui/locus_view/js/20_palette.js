// Colours. Magnitudes: perceptually uniform maps that colour-blind readers can use; signed values: blue, neutral, red around zero.

const PALETTES = {
  cividis: ["#00224e", "#0f2e66", "#2a3f6d", "#404c6b", "#535a6c", "#666870", "#797877", "#8c8777", "#a09774", "#b5a76e", "#cbb965", "#e3cb55", "#fee838"],
  viridis: ["#440154", "#482374", "#404688", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
  magma: ["#000004", "#140e36", "#3b0f70", "#641a80", "#8c2981", "#b73779", "#de4968", "#f7705c", "#fe9f6d", "#fecf92", "#fcfdbf"],
  paper: ["#ffffff", "#e8eef4", "#c7d6e5", "#9bb9d3", "#6a98bf", "#3f76a8", "#23568a", "#123a67", "#071f3f"],
};
const DIVERGING = ["#08306b", "#2166ac", "#4393c3", "#92c5de", "#d9e6ee", "#f4f4f2", "#f8ddd0", "#f4a582", "#d6604d", "#b2182b", "#67001f"];

const BASE_COLOURS = {
  safe: { light: { A: "#00835f", C: "#0068a8", G: "#b07a00", T: "#c8431b" }, dark: { A: "#2fc79a", C: "#62b4ee", G: "#f2c230", T: "#ff8457" } },
  igv: { light: { A: "#00a000", C: "#0000c8", G: "#b86b04", T: "#e00000" }, dark: { A: "#31d831", C: "#7c8cff", G: "#e89a3c", T: "#ff5c5c" } },
};

function hexToRgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// 256 packed ABGR colours interpolated between the anchors.
function lookupTable(anchors) {
  const colours = anchors.map(hexToRgb);
  const table = new Uint32Array(256);
  for (let k = 0; k < 256; k++) {
    const place = (k / 255) * (colours.length - 1);
    const low = Math.min(Math.floor(place), colours.length - 2);
    const part = place - low;
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(colours[low][c] * (1 - part) + colours[low + 1][c] * part));
    table[k] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
}

const TABLES = { diverging: lookupTable(DIVERGING) };
for (const [name, anchors] of Object.entries(PALETTES)) TABLES[name] = lookupTable(anchors);

function cssOf(packed) {
  return `rgb(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255})`;
}

function divergingCss(value, limit) {
  if (!Number.isFinite(value)) return "transparent";
  const place = Math.max(-1, Math.min(1, value / limit));
  return cssOf(TABLES.diverging[Math.round((place + 1) * 127.5)]);
}

// Lines over the map: its low end is dark in every palette but one.
function mapInk(view) {
  return view.display.palette === "paper" || view.scene.layers[0]?.signed ? "#101418" : "#ffffff";
}

// Dark or light ink, whichever reads better on a packed or css-parsed colour.
function inkOn(value, limit) {
  return Math.abs(value / limit) > 0.62 ? "#ffffff" : "#1a1d21";
}

// Colours of the page's theme, read from the custom properties Streamlit sets.
function readTheme(element) {
  const style = getComputedStyle(element);
  const get = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const background = get("--st-background-color", "#ffffff");
  const dark = luminance(background) < 0.4;
  return {
    dark,
    background,
    raised: get("--st-secondary-background-color", dark ? "#1c2128" : "#f3f5f7"),
    ink: get("--st-text-color", dark ? "#e6e9ed" : "#1a1d21"),
    faint: dark ? "#8d97a5" : "#66707d",
    line: dark ? "#343c47" : "#d5dae0",
    accent: get("--st-primary-color", dark ? "#ff9f5a" : "#b5460f"),
    missing: dark ? "#2a3038" : "#e4e7eb",
    bar: dark ? "#7fb2e5" : "#2f6ea5",
    cursor: dark ? "#ffffff" : "#101418",
  };
}

function luminance(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour;
  const text = probe.fillStyle;
  const [r, g, b] = text.startsWith("#") ? hexToRgb(text) : text.match(/[\d.]+/g).map(Number);
  return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
}
