// The cursor and the selection, on a canvas of their own so that moving the pointer redraws nothing else.

function drawOverlay(view) {
  const { ctx, dpr } = view.canvasOf("overlay");
  const { layout } = view;
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, layout.width + GUTTER.left + GUTTER.right, layout.height);
  const theme = view.theme;
  drawBrush(view, ctx, theme);
  const selected = view.selection;
  if (selected) {
    for (const index of selected.kind === "pair" ? [selected.i, selected.j] : [selected.i]) columnMark(view, ctx, index, theme.accent, 0.16);
    if (selected.kind === "pair") {
      const panel = panelById(view, "map");
      if (panel) markPairOnMap(view, ctx, panel, selected.i, selected.j, view.display.palette === "paper" ? theme.accent : "#ff8a4c", true);
      markArc(view, ctx, selected, theme);
    }
  }
  drawCursor(view, ctx, theme);
}

function columnMark(view, ctx, index, colour, alpha) {
  const { x: at, px } = scaleOf(view);
  const x0 = Math.max(GUTTER.left, at(index));
  const x1 = Math.min(GUTTER.left + view.layout.width, at(index + 1));
  if (x1 < GUTTER.left || x0 > GUTTER.left + view.layout.width) return;
  ctx.fillStyle = colour;
  for (const panel of view.layout.panels) {
    if (panel.id === "map") continue;
    ctx.globalAlpha = alpha;
    ctx.fillRect(x0, panel.y, Math.max(x1 - x0, 1), panel.height);
    ctx.globalAlpha = 0.9;
    if (px < 6) ctx.fillRect((x0 + x1) / 2 - 0.5, panel.y, 1, panel.height);
  }
  ctx.globalAlpha = 1;
}

function markArc(view, ctx, { i, j }, theme) {
  const panel = panelById(view, "arcs");
  if (!panel) return;
  const [low, high] = [Math.min(i, j), Math.max(i, j)];
  const known = (view.arcPaths || []).find((arc) => arc.pair.i === low && arc.pair.j === high);
  const { x: at } = scaleOf(view);
  const [x0, x1] = [at(low + 0.5), at(high + 0.5)];
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER.left, panel.y, view.layout.width, panel.height + 2);
  ctx.clip();
  ctx.strokeStyle = theme.accent;
  ctx.lineWidth = 2.5;
  ctx.setLineDash(known ? [] : [5, 3]);
  ctx.beginPath();
  ctx.ellipse((x0 + x1) / 2, panel.y + panel.height, (x1 - x0) / 2, known ? known.tall : panel.height * 0.8, 0, Math.PI, 2 * Math.PI);
  ctx.stroke();
  ctx.restore();
}

function drawBrush(view, ctx, theme) {
  if (!view.brush) return;
  const { x: at } = scaleOf(view);
  const x0 = Math.max(GUTTER.left, at(view.brush.from));
  const x1 = Math.min(GUTTER.left + view.layout.width, at(view.brush.to));
  ctx.fillStyle = theme.accent;
  ctx.globalAlpha = 0.18;
  ctx.fillRect(x0, 0, x1 - x0, view.layout.height);
  ctx.globalAlpha = 1;
  ctx.fillRect(x0, 0, 1, view.layout.height);
  ctx.fillRect(x1, 0, 1, view.layout.height);
}

function drawCursor(view, ctx, theme) {
  const cursor = view.cursor;
  if (!cursor) return;
  const map = panelById(view, "map");
  if (map && cursor.i !== undefined) markPairOnMap(view, ctx, map, cursor.i, cursor.j, mapInk(view), false);
  const { x: at, px } = scaleOf(view);
  ctx.strokeStyle = theme.cursor;
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 2]);
  ctx.globalAlpha = 0.7;
  for (const index of cursor.i !== undefined ? [cursor.j, cursor.i] : [cursor.index]) {
    const x = Math.round(at(index + 0.5)) + 0.5;
    if (x < GUTTER.left || x > GUTTER.left + view.layout.width) continue;
    for (const panel of view.layout.panels) {
      if (panel.id === "map" && view.display.mode === "triangle") continue;
      if (panel.id === "map" && cursor.i !== undefined) continue;
      strokeLine(ctx, [x, panel.y], [x, panel.y + panel.height]);
    }
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
  for (const panel of view.layout.panels) valueTag(view, ctx, theme, panel, cursor.index, at(cursor.index + 0.5), px);
}

// The value of a panel at the cursor, beside the cursor line.
function valueTag(view, ctx, theme, panel, index, x, px) {
  const text = tagText(view, panel.id, index);
  if (!text) return;
  ctx.font = view.fonts.small;
  const width = ctx.measureText(text).width + 8;
  const left = x + px / 2 + 4 + width > GUTTER.left + view.layout.width ? x - px / 2 - 4 - width : x + px / 2 + 4;
  const y = panel.id === "ruler" ? panel.y + 12 : panel.y + Math.min(2, panel.height / 2 - 8);
  ctx.fillStyle = theme.background;
  ctx.globalAlpha = 0.92;
  ctx.fillRect(left, y, width, 15);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = theme.line;
  ctx.strokeRect(left + 0.5, y + 0.5, width - 1, 14);
  ctx.fillStyle = theme.ink;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, left + 4, y + 8);
}

function tagText(view, id, index) {
  const { scene } = view;
  if (id === "ruler") return `${scene.base(index)} ${scene.positionWords(index)}`;
  if (id === "influence" && Number.isFinite(scene.influence(index))) return shortNumber(scene.influence(index));
  if (id === "entropy" && Number.isFinite(scene.entropy(index))) return `${shortNumber(scene.entropy(index))} bits`;
  if (id === "effects") return effectWords(scene, index);
  if (id === "logo") return probabilityWords(scene, index);
  if (id === "segmentation") return strongestElement(scene, index);
  return "";
}
