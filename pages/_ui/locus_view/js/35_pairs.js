// The strongest pairs of the map, and the colour limit that suits it.

// Top `count` pairs i < j at least `distance` bases apart, strongest first: {i, j, value, forward}, value = the stronger direction.
function strongestPairs(scene, distance, threshold, count) {
  const layer = scene.layers[0];
  if (!layer) return [];
  const { width, raw, bin, offset } = layer;
  const floor = Math.max(threshold, candidateFloor(layer, Math.max(distance, 1), count));
  const found = [];
  for (let r = 0; r < width; r++) {
    for (let c = r + Math.max(1, Math.ceil(distance / bin)); c < width; c++) {
      const forward = raw[r * width + c];
      const back = raw[c * width + r];
      const isForward = !(Math.abs(back) > Math.abs(forward)) && !Number.isNaN(forward);
      const value = isForward ? forward : back;
      if (Math.abs(value) >= floor && value !== 0) found.push({ i: offset + r * bin, j: offset + c * bin, value, forward: isForward });
    }
  }
  found.sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.i - b.i);
  return found.slice(0, count);
}

// A value that at least `count` pairs exceed, from a histogram, so that only few candidates need sorting.
function candidateFloor({ width, raw, bin }, distance, count) {
  const gap = Math.max(1, Math.ceil(distance / bin));
  let top = 0;
  for (let k = 0; k < raw.length; k++) if (Math.abs(raw[k]) > top) top = Math.abs(raw[k]);
  if (top === 0) return 0;
  const histogram = new Uint32Array(512);
  for (let r = 0; r < width; r++)
    for (let c = r + gap; c < width; c++) {
      const forward = Math.abs(raw[r * width + c]) || 0;
      const back = Math.abs(raw[c * width + r]) || 0;
      histogram[Math.min(511, ((forward > back ? forward : back) / top) * 511) | 0]++;
    }
  let seen = 0;
  for (let k = 511; k >= 0; k--) if ((seen += histogram[k]) >= count) return (k / 511) * top;
  return 0;
}

// 99.5th percentile of the magnitudes off the diagonal: a few extreme cells do not darken the rest.
function automaticLimit(layer) {
  if (layer.limit) return layer.limit;
  const sample = [];
  const step = Math.max(1, Math.floor(layer.raw.length / 200000));
  for (let k = 0; k < layer.raw.length; k += step) {
    const v = Math.abs(layer.raw[k]);
    if (v > 0) sample.push(v);
  }
  sample.sort((a, b) => a - b);
  const value = sample.length ? sample[Math.floor(0.995 * (sample.length - 1))] : 1;
  return (layer.limit = Number(value.toPrecision(2)) || 1);
}

function pairKind(scene, i, j) {
  const pair = `${scene.base(i)}${scene.base(j)}`.replaceAll("U", "T");
  if (["AT", "TA", "GC", "CG"].includes(pair)) return "Watson–Crick";
  if (["GT", "TG"].includes(pair)) return "wobble";
  return "";
}
