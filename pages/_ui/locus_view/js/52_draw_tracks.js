// Every panel but the map.

function drawRuler(view, ctx, panel, theme) {
  const { length } = view.scene;
  const { a, b, px } = scaleOf(view);
  const left = GUTTER.left;
  const width = view.layout.width;
  // Overview: the whole sequence, the region in it.
  ctx.fillStyle = theme.raised;
  ctx.fillRect(left, panel.y, width, 9);
  ctx.fillStyle = theme.accent;
  ctx.globalAlpha = 0.8;
  ctx.fillRect(left + (a / length) * width, panel.y, Math.max(3, ((b - a) / length) * width), 9);
  ctx.globalAlpha = 1;
  ctx.font = view.fonts.small;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "center";
  const step = tickStep(b - a, width / 78);
  ctx.strokeStyle = ctx.fillStyle = theme.faint;
  ctx.lineWidth = 1;
  for (const { at, label } of ticks(view, step)) {
    const x = Math.round(left + (at + 0.5 - a) * px) + 0.5;
    if (x < left || x > left + width) continue;
    strokeLine(ctx, [x, panel.y + 32], [x, panel.y + 38]);
    const half = ctx.measureText(label).width / 2;
    ctx.fillText(label, Math.max(left + half, Math.min(left + width - half, x)), panel.y + 31);
  }
  strokeLine(ctx, [left, panel.y + 38], [left + width, panel.y + 38]);
  ctx.textAlign = "right";
  ctx.fillText(view.scene.meta.locus ? clipped2(ctx, view.scene.meta.locus.contig, left - 14) : "position", left - 8, panel.y + 31);
}

// Round numbers in the coordinate that is shown: the contig's with a locus, else the sequence's own.
function* ticks(view, step) {
  const { a, b } = view.region;
  const locus = view.scene.meta.locus;
  if (!locus) {
    for (let at = Math.floor(a / step) * step; at <= b; at += step) if (at > 0 || step === 1) yield { at: at - 1, label: at.toLocaleString("en") };
    if (a < 1) yield { at: 0, label: "1" };
    return;
  }
  const [low, high] = [view.scene.coordinate(clampIndex(view, Math.floor(a))), view.scene.coordinate(clampIndex(view, Math.ceil(b) - 1))].sort((p, q) => p - q);
  for (let place = Math.ceil(low / step) * step; place <= high; place += step) {
    yield { at: locus.strand === "-" ? locus.end - place : place - 1 - locus.start, label: place.toLocaleString("en") };
  }
}

function tickStep(span, count) {
  const rough = span / Math.max(2, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].find((m) => m * power >= rough) * power);
}

function drawFeatures(view, ctx, panel, theme) {
  const { x: at } = scaleOf(view);
  ctx.font = view.fonts.small;
  ctx.textBaseline = "middle";
  for (const feature of view.features) {
    const x0 = Math.max(GUTTER.left, at(feature.start));
    const x1 = Math.min(GUTTER.left + view.layout.width, at(feature.end));
    if (x1 <= x0) continue;
    const y = panel.y + feature.lane * 17;
    ctx.fillStyle = theme.dark ? "#35506b" : "#cfe0ef";
    featureShape(ctx, x0, x1, y, 14, feature.strand);
    ctx.fillStyle = theme.ink;
    ctx.textAlign = "left";
    const text = feature.name || feature.kind;
    const room = x1 - x0 - 8;
    if (ctx.measureText(text).width <= room) ctx.fillText(text, x0 + 4, y + 7.5);
    else if (room > 22) ctx.fillText(clipped(ctx, text, room), x0 + 4, y + 7.5);
  }
}

function featureShape(ctx, x0, x1, y, height, strand) {
  const tip = Math.min(6, (x1 - x0) / 2);
  ctx.beginPath();
  if (strand === "+") [[x0, y], [x1 - tip, y], [x1, y + height / 2], [x1 - tip, y + height], [x0, y + height]].forEach((p) => ctx.lineTo(...p));
  else if (strand === "-") [[x0 + tip, y], [x1, y], [x1, y + height], [x0 + tip, y + height], [x0, y + height / 2]].forEach((p) => ctx.lineTo(...p));
  else ctx.rect(x0, y, Math.max(1, x1 - x0), height);
  ctx.fill();
}

function clipped(ctx, text, room) {
  let kept = text;
  while (kept.length > 1 && ctx.measureText(kept + "…").width > room) kept = kept.slice(0, -1);
  return kept + "…";
}

function drawArcs(view, ctx, panel, theme) {
  const { x: at, px } = scaleOf(view);
  const top = view.scene.map ? view.pairsInView().slice(0, view.display.arcs) : []; // between two models there is no map
  const limit = Math.abs(top[0]?.value || 1);
  const span = top.reduce((most, pair) => Math.max(most, pair.j - pair.i), 1);
  view.arcPaths = [];
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER.left, panel.y, view.layout.width, panel.height + 2);
  ctx.clip();
  for (const pair of top.slice().reverse()) {
    const x0 = at(pair.i + 0.5);
    const x1 = at(pair.j + 0.5);
    const tall = Math.min(panel.height - 3, 6 + (panel.height - 9) * Math.sqrt((pair.j - pair.i) / span));
    const strength = Math.abs(pair.value) / limit;
    const contact = view.isContact(pair.i, pair.j);
    ctx.strokeStyle = view.scene.map.signed ? divergingCss(pair.value, limit * 0.8) : contact ? theme.accent : theme.bar;
    ctx.globalAlpha = 0.25 + 0.75 * strength;
    ctx.lineWidth = 0.8 + 2 * strength;
    ctx.beginPath();
    ctx.ellipse((x0 + x1) / 2, panel.y + panel.height, (x1 - x0) / 2, tall, 0, Math.PI, 2 * Math.PI);
    ctx.stroke();
    view.arcPaths.push({ pair, x0, x1, tall, y: panel.y + panel.height });
  }
  ctx.restore();
  if (!top.length) drawNote(view, ctx, panel, theme, view.scene.layers.length ? "no pair passes the filters" : view.waitingWords("map"));
}

// The arc under a point: nearest in height among those that span it, within five pixels.
function arcAt(view, x, y) {
  let best = null;
  for (const arc of view.arcPaths || []) {
    const half = (arc.x1 - arc.x0) / 2;
    const place = (x - (arc.x0 + half)) / half;
    if (Math.abs(place) > 1) continue;
    const distance = Math.abs(arc.y - arc.tall * Math.sqrt(1 - place * place) - y);
    if (distance < 5 && (!best || distance <= best.distance)) best = { pair: arc.pair, distance };
  }
  return best?.pair || null;
}

function drawSequence(view, ctx, panel, theme) {
  const { px } = scaleOf(view);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  if (px >= LETTER_PX) ctx.font = view.fonts.letters(Math.min(15, px * 1.25));
  for (const column of columns(view)) {
    ctx.fillStyle = view.baseColour(column.from, theme);
    if (px >= LETTER_PX) ctx.fillText(view.scene.base(column.from), column.x + column.width / 2, panel.y + 9.5);
    else ctx.fillRect(column.x, panel.y + 3, Math.max(1, column.width - (px > 3 ? 0.6 : 0)), 11);
  }
}

function drawStructure(view, ctx, panel, theme) {
  const { px } = scaleOf(view);
  const text = view.scene.results.contacts.header.dot_bracket;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.font = view.fonts.letters(13);
  for (const column of columns(view)) {
    const symbol = text[column.from];
    ctx.fillStyle = symbol === "." ? theme.faint : theme.accent;
    if (px >= LETTER_PX) ctx.fillText(symbol, column.x + column.width / 2, panel.y + 7.5);
    else if (symbol !== ".") ctx.fillRect(column.x, panel.y + 2, Math.max(1, column.width - 0.4), 10);
  }
}

// Words of models whose units are longer than a base; darker = surer of the word that stands there.
function drawTokens(view, ctx, panel, theme) {
  const found = view.scene.results.tokens;
  if (!found) return drawNote(view, ctx, panel, theme, view.waitingWords("tokens"));
  const { spans, probabilities } = found.arrays;
  const { x: at } = scaleOf(view);
  ctx.font = view.fonts.small;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  found.header.tokens.forEach((token, t) => {
    const x0 = Math.max(GUTTER.left, at(spans[2 * t]));
    const x1 = Math.min(GUTTER.left + view.layout.width, at(spans[2 * t + 1]));
    if (x1 - x0 <= 0) return;
    const sure = Number.isFinite(probabilities[t]) ? probabilities[t] : 0;
    ctx.globalAlpha = 0.12 + 0.88 * sure;
    ctx.fillStyle = theme.bar;
    ctx.fillRect(x0, panel.y + 1, Math.max(0.6, x1 - x0 - 1), panel.height - 2);
    ctx.globalAlpha = 1;
    ctx.fillStyle = sure > 0.5 && !theme.dark ? "#ffffff" : theme.ink;
    if (ctx.measureText(token).width < x1 - x0 - 2) ctx.fillText(token, (x0 + x1) / 2, panel.y + panel.height / 2 + 0.5);
  });
}

// Letters whose heights add up to the information content, most probable on top; plain bars while bases are narrow.
function drawLogo(view, ctx, panel, theme) {
  const values = view.scene.track("probabilities", "values");
  if (!values) return drawNote(view, ctx, panel, theme, view.waitingWords("probabilities"));
  const { px } = scaleOf(view);
  const top = view.informationTop();
  for (const column of columns(view)) {
    const i = column.from;
    const information = 2 - view.scene.entropy(i);
    if (!(information > 0)) continue;
    let bottom = panel.y + panel.height;
    const order = [0, 1, 2, 3].sort((m, n) => values[4 * i + m] - values[4 * i + n]);
    for (const k of order) {
      const height = (values[4 * i + k] * information * panel.height) / top;
      if (height < 0.4) continue;
      bottom -= height;
      ctx.fillStyle = view.colourOf(BASES[k], theme);
      if (px >= LETTER_PX) stretchedLetter(view, ctx, view.scene.letterOf(k), column.x, bottom, px, height);
      else ctx.fillRect(column.x, bottom, Math.max(1, column.width - (px > 3 ? 0.6 : 0)), height);
    }
  }
  baseline(view, ctx, panel, theme);
  scaleLabels(view, ctx, panel, theme, shortNumber(top), "0");
}

function stretchedLetter(view, ctx, letter, x, y, width, height) {
  const glyph = view.glyph(ctx, letter);
  ctx.save();
  ctx.translate(x + width * 0.06, y);
  ctx.scale((width * 0.88) / glyph.width, height / glyph.height);
  ctx.font = glyph.font;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.fillText(letter, glyph.left, glyph.ascent);
  ctx.restore();
}

function drawEffects(view, ctx, panel, theme) {
  const row = panel.height / 4;
  const limit = view.effectLimit();
  ctx.font = view.fonts.small;
  ctx.textBaseline = "middle";
  for (let k = 0; k < 4; k++) {
    ctx.fillStyle = view.colourOf(BASES[k], theme);
    ctx.textAlign = "right";
    ctx.fillText(view.scene.letterOf(k), GUTTER.left - 6, panel.y + (k + 0.5) * row);
  }
  if (!view.scene.results.effects) return drawNote(view, ctx, panel, theme, view.waitingWords("effects"));
  for (const column of columns(view)) {
    for (let k = 0; k < 4; k++) {
      const value = extreme(column, (i) => view.scene.effect(i, k));
      const isReference = column.to - column.from === 1 && view.scene.code(column.from) === k;
      ctx.fillStyle = isReference ? theme.line : Number.isFinite(value) ? divergingCss(value, limit) : theme.missing;
      ctx.fillRect(column.x, panel.y + k * row, column.width + 0.35, row - 1);
      if (isReference && column.width > 5) {
        ctx.fillStyle = theme.faint;
        ctx.fillRect(column.x + column.width / 2 - 1, panel.y + (k + 0.5) * row - 1.5, 2, 2);
      }
    }
  }
  scaleLabels(view, ctx, panel, theme, `+${shortNumber(limit)}`, `−${shortNumber(limit)}`);
}

function drawBars(view, ctx, panel, theme, valueOf, top, colour) {
  ctx.fillStyle = colour;
  for (const column of columns(view)) {
    const value = Math.abs(extreme(column, valueOf));
    if (!(value > 0)) continue;
    const height = Math.min(1, value / top) * panel.height;
    ctx.fillRect(column.x, panel.y + panel.height - height, Math.max(1, column.width - (column.width > 3 ? 0.8 : 0)), height);
  }
  baseline(view, ctx, panel, theme);
  scaleLabels(view, ctx, panel, theme, shortNumber(top), "0");
}

function drawSegmentation(view, ctx, panel, theme) {
  const found = view.scene.results.segmentation;
  if (!found) return drawNote(view, ctx, panel, theme, view.waitingWords("segmentation"));
  const { elements } = found.header;
  const values = found.arrays.values;
  const count = elements.length;
  const ramp = TABLES[view.display.palette === "paper" ? "paper" : "cividis"];
  ctx.textBaseline = "middle";
  ctx.font = view.fonts.small;
  elements.forEach((name, e) => {
    const y = panel.y + e * 13;
    ctx.fillStyle = theme.ink;
    ctx.textAlign = "right";
    ctx.fillText(clipped2(ctx, name.replaceAll("_", " "), GUTTER.left - 10), GUTTER.left - 6, y + 6);
    for (const column of columns(view)) {
      const value = extreme(column, (i) => values[i * count + e]);
      ctx.fillStyle = Number.isFinite(value) ? cssOf(ramp[Math.round(Math.max(0, Math.min(1, value)) * 255)]) : theme.missing;
      ctx.fillRect(column.x, y, column.width + 0.35, 12);
    }
  });
  scaleLabels(view, ctx, panel, theme, "P = 0…1", "");
}

function clipped2(ctx, text, room) {
  return ctx.measureText(text).width <= room ? text : clipped(ctx, text, room);
}

function baseline(view, ctx, panel, theme) {
  ctx.strokeStyle = theme.line;
  ctx.lineWidth = 1;
  strokeLine(ctx, [GUTTER.left, panel.y + panel.height + 0.5], [GUTTER.left + view.layout.width, panel.y + panel.height + 0.5]);
}

function scaleLabels(view, ctx, panel, theme, top, bottom) {
  ctx.fillStyle = theme.faint;
  ctx.font = view.fonts.small;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.fillText(top, GUTTER.left + view.layout.width + 6, panel.y);
  ctx.textBaseline = "bottom";
  ctx.fillText(bottom, GUTTER.left + view.layout.width + 6, panel.y + panel.height + 1);
}

function drawTitle(view, ctx, panel, theme) {
  if (!panel.title || ["effects", "segmentation"].includes(panel.id)) return drawSideTitle(view, ctx, panel, theme);
  ctx.textAlign = "right";
  ctx.font = view.fonts.title;
  ctx.fillStyle = theme.ink;
  const flat = panel.height < 20;
  ctx.textBaseline = flat ? "middle" : "top";
  const y = flat ? panel.y + panel.height / 2 + 1 : panel.y + 1;
  const x = GUTTER.left - (panel.id === "map" ? 22 : 8);
  ctx.fillText(panel.title, x, y);
  if (flat || !panel.unit) return;
  ctx.font = view.fonts.small;
  ctx.fillStyle = theme.faint;
  ctx.fillText(panel.unit, x, y + 14);
}

// Panels whose left gutter is taken by row names carry their title upright at the far left.
function drawSideTitle(view, ctx, panel, theme) {
  if (panel.id !== "effects") return;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.font = view.fonts.title;
  ctx.fillStyle = theme.ink;
  ctx.fillText("Effect", 4, panel.y + 1);
  ctx.font = view.fonts.small;
  ctx.fillStyle = theme.faint;
  ctx.fillText(view.scene.results.effects?.header.unit || "", 4, panel.y + 15);
}

function drawNote(view, ctx, panel, theme, text) {
  ctx.fillStyle = theme.faint;
  ctx.font = view.fonts.small;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, GUTTER.left + view.layout.width / 2, panel.y + panel.height / 2);
}

function shortNumber(value) {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1).replace(/\.0$/, "");
  return Number(value.toFixed(size < 0.1 ? 3 : 2)).toString();
}
