// Results arrive as bytes: "LVW1", uint32 length of a JSON header, the header, then arrays at multiples of eight bytes.

const ARRAY_TYPES = { f4: Float32Array, u1: Uint8Array, i4: Int32Array, u2: Uint16Array };

function decodeEnvelope(bytes) {
  const own = bytes.slice(); // starts at offset 0, so the typed arrays below are aligned
  if (String.fromCharCode(...own.subarray(0, 4)) !== "LVW1") throw new Error("not a locus view envelope");
  const length = new DataView(own.buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(own.subarray(8, 8 + length)));
  const arrays = {};
  for (const item of header.arrays || []) {
    const type = item.dtype === "f2" ? Uint16Array : ARRAY_TYPES[item.dtype];
    const raw = new type(own.buffer, item.offset, item.count);
    arrays[item.name] = expand(raw, item);
  }
  return { header, arrays };
}

// Half floats and quantised bytes become float32; everything else stays as it came.
function expand(raw, item) {
  if (item.dtype === "f2") return Float32Array.from(raw, halfToFloat);
  if (item.scale !== undefined) {
    const table = Float32Array.from({ length: 256 }, (_, code) => (code === 255 ? NaN : code * item.scale));
    const values = new Float32Array(raw.length);
    for (let k = 0; k < raw.length; k++) values[k] = table[raw[k]];
    return values;
  }
  return raw;
}

function halfToFloat(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// Where parts of the page that arrive separately meet: `post` is called by every wire, `views` by name.
function switchboard() {
  const board = (window.__locuscope ||= { views: new Map(), early: [] });
  board.parked ||= new Map();
  board.post = (bytes) => {
    const envelope = decodeEnvelope(bytes);
    const { target, kind } = envelope.header;
    board.parked.set(`${target}/${kind}`, envelope);
    board.views.get(target)?.receive(envelope);
  };
  for (const bytes of board.early.splice(0)) board.post(bytes);
  return board;
}
