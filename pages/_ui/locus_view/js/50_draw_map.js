// The dependency map: square, wide or as a triangle hanging from the sequence; colour bar; marks of the selection.

function mapLimits(view) {
  const layer = view.scene.layers[0];
  const high = view.display.high ?? (layer ? automaticLimit(layer) : 1);
  return layer?.signed ? [-high, high] : [view.display.low, Math.max(high, view.display.low + 1e-6)];
}

function mapTable(view) {
  return view.scene.layers[0]?.signed ? TABLES.diverging : TABLES[view.display.palette];
}

function effectiveDisplay(view) {
  // A triangle shows each pair once, so both directions go into it.
  const triangle = view.display.mode === "triangle" && view.display.symmetry === "none";
  return triangle ? { ...view.display, symmetry: "max" } : view.display;
}

// Canvas transform that takes (column, row) in bases to pixels of the panel.
function mapTransform(view, panel, dpr) {
  const { a, px } = scaleOf(view);
  const left = GUTTER.left;
  if (view.display.mode === "triangle") {
    const h = px / 2;
    return [h * dpr, h * dpr, h * dpr, -h * dpr, (left - a * px) * dpr, panel.y * dpr];
  }
  const py = panel.height / (view.region.b - view.region.a);
  return [px * dpr, 0, 0, py * dpr, (left - a * px) * dpr, (panel.y - a * py) * dpr];
}

function drawMap(view, ctx, panel, theme, dpr) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER.left, panel.y, view.layout.width, panel.height);
  ctx.clip();
  ctx.fillStyle = theme.raised;
  ctx.fillRect(GUTTER.left, panel.y, view.layout.width, panel.height);
  const display = effectiveDisplay(view);
  const limits = mapLimits(view);
  const missing = packed(theme.missing);
  const key = [display.symmetry, display.hideNear, display.threshold, display.palette, ...limits, theme.missing].join("|");
  const { px } = scaleOf(view);
  ctx.imageSmoothingEnabled = false;
  for (const layer of view.scene.layers) {
    const level = Math.max(0, Math.floor(Math.log2(1.4 / (px * layer.bin))));
    const image = layer.image(level, display, limits, mapTable(view), missing, key);
    ctx.setTransform(...mapTransform(view, panel, dpr));
    ctx.translate(layer.offset, layer.offset);
    ctx.scale(layer.bin * image.step, layer.bin * image.step);
    ctx.drawImage(image.canvas, 0, 0);
  }
  ctx.restore();
  ctx.strokeStyle = theme.line;
  if (view.display.mode !== "triangle") ctx.strokeRect(GUTTER.left + 0.5, panel.y + 0.5, view.layout.width - 1, panel.height - 1);
  drawColourBar(view, ctx, panel, theme, limits);
  if (view.display.mode !== "triangle") drawRowLabels(view, ctx, panel, theme);
  if (!view.scene.layers.length) drawNote(view, ctx, panel, theme, view.waitingWords("map"));
}

function packed(hex) {
  const [r, g, b] = hexToRgb(hex);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function drawColourBar(view, ctx, panel, theme, [low, high]) {
  const x = GUTTER.left + view.layout.width + 10;
  const height = Math.min(150, panel.height - 26);
  const table = mapTable(view);
  for (let k = 0; k < height; k++) {
    ctx.fillStyle = cssOf(table[255 - Math.floor((k / height) * 255)]);
    ctx.fillRect(x, panel.y + 4 + k, 10, 1.5);
  }
  ctx.fillStyle = theme.faint;
  ctx.font = view.fonts.small;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const part of [0, 0.5, 1]) ctx.fillText(shortNumber(high - part * (high - low)), x + 14, panel.y + 5 + part * (height - 3));
  ctx.fillText(view.scene.map?.unit || "", x, panel.y + height + 15);
}

// Letters (or ticks) of the changed base down the left edge, inside the gutter.
function drawRowLabels(view, ctx, panel, theme) {
  const { a, b } = view.region;
  const py = panel.height / (b - a);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  if (py >= LETTER_PX) {
    ctx.font = view.fonts.letters(Math.min(py * 1.05, 13));
    for (let i = Math.max(0, Math.floor(a)); i < Math.min(view.scene.length, b); i++) {
      const y = panel.y + (i + 0.5 - a) * py;
      if (y < panel.y + 3 || y > panel.y + panel.height - 3) continue;
      ctx.fillStyle = view.baseColour(i, theme);
      ctx.fillText(view.scene.base(i), GUTTER.left - 5, y);
    }
    return;
  }
  ctx.font = view.fonts.small;
  ctx.fillStyle = theme.faint;
  const step = tickStep(b - a, panel.height / 46);
  for (let at = Math.ceil(a / step) * step; at < b; at += step) {
    const i = Math.max(1, at);
    const y = panel.y + (i - 0.5 - a) * py;
    if (y > panel.y + 34 && y < panel.y + panel.height - 4) ctx.fillText(i.toLocaleString("en"), GUTTER.left - 6, y);
  }
}

function markPairOnMap(view, ctx, panel, i, j, colour, bold) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER.left, panel.y, view.layout.width, panel.height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = bold ? 2 : 1;
  const at = (u, v) => pointOnMap(view, panel, u, v);
  if (view.display.mode === "triangle") [i, j] = [Math.min(i, j), Math.max(i, j)];
  // Cross-hair through the cell, fainter than its outline.
  ctx.globalAlpha = bold ? 0.75 : 0.5;
  ctx.setLineDash(bold ? [] : [3, 3]);
  strokeLine(ctx, at(j + 0.5, view.region.a - view.scene.length), at(j + 0.5, view.region.b + view.scene.length));
  strokeLine(ctx, at(view.region.a - view.scene.length, i + 0.5), at(view.region.b + view.scene.length, i + 0.5));
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  outlineCell(ctx, [at(j, i), at(j + 1, i), at(j + 1, i + 1), at(j, i + 1)], bold);
  ctx.restore();
}

function pointOnMap(view, panel, u, v) {
  const [a, b, c, d, e, f] = mapTransform(view, panel, 1);
  return [a * u + c * v + e, b * u + d * v + f];
}

function strokeLine(ctx, [x0, y0], [x1, y1]) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

// Small cells get a box of at least seven pixels around them, so that they can be found.
function outlineCell(ctx, corners, bold) {
  const [cx, cy] = [0, 1].map((k) => corners.reduce((sum, p) => sum + p[k], 0) / 4);
  const radius = Math.hypot(corners[0][0] - cx, corners[0][1] - cy);
  const grow = Math.max(1, (bold ? 6 : 4) / radius);
  ctx.beginPath();
  for (const [x, y] of corners) ctx.lineTo(cx + (x - cx) * grow, cy + (y - cy) * grow);
  ctx.closePath();
  ctx.stroke();
}
