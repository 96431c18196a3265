// The map's codes, colours and bitmap.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bitmap, MapLayer, partOf } from "../../static/figure_view/map.js";

const LINEAR = { scale: "linear", threshold: 0 };
const LOG = { scale: "log", threshold: 0 };
const GREY = Uint8Array.from({ length: 768 }, (_, k) => Math.floor(k / 3));

function layer(codes, more = {}) {
  const header = { bin: 1, offset: 0, width: 2, step: 0.5, centre: 0, partial: false, exact: false, ...more };
  return new MapLayer({ header, arrays: { cells1: Uint8Array.from(codes) } });
}

test("a code stands for its square times the step, a missing one for nothing", () => {
  const map = layer([0, 2, 4, 255]);
  assert.equal(map.lookup(0, 1).value, 2);
  assert.equal(map.lookup(1, 0).value, 8);
  assert.equal(map.lookup(1, 1).known, false);
  assert.equal(map.lookup(2, 0), undefined);
});

test("signed codes lie on both sides of the centre", () => {
  const map = layer([127, 125, 131, 127], { centre: 127 });
  assert.equal(map.lookup(0, 1).value, -2);
  assert.equal(map.lookup(1, 0).value, 8);
});

test("rows that stand in for rows not computed yet have no value and are drawn dimmed", () => {
  const map = layer([10, 10, 138, 138], { partial: true });
  assert.deepEqual([map.lookup(0, 0).done, map.lookup(1, 0).done, map.lookup(1, 0).known], [true, false, false]);
  const look = { ramp: GREY, display: LINEAR, limit: 50, missing: [90, 90, 90] };
  const palette = map.palette(look);
  assert.equal(palette[4 * 10], 255); // 0.5 * 10 * 10 = 50, the limit
  assert.equal(palette[4 * 138], Math.trunc((2 * 90 + 255) / 3));
  assert.equal(palette[4 * 255], 90);
});

test("exact values are told where they came, pooled cells by the cell a base lies in", () => {
  const map = layer([1, 1, 1, 1], { exact: true });
  map.values = Float32Array.from([0, 6, 5, 0]);
  assert.deepEqual([map.lookup(0, 1).value, map.lookup(1, 0).value], [6, 5]);
  const pooled = layer([0, 3, 4, 0], { bin: 10, offset: 100 });
  assert.equal(pooled.lookup(105, 119).value, 4.5);
  assert.equal(pooled.lookup(99, 105), undefined);
});

test("colours follow the limit, the threshold and the scale", () => {
  assert.equal(partOf(3, LINEAR, 6, false), 0.5);
  assert.equal(partOf(9, LINEAR, 6, false), 1);
  assert.equal(partOf(3, { ...LINEAR, threshold: 4 }, 6, false), 0);
  assert.equal(partOf(-3, LINEAR, 6, true), 0.25);
  assert.equal(partOf(0.6, LOG, 6, false), 0.5);
  assert.equal(partOf(0.06, LOG, 6, false), 0);
  assert.equal(partOf(0, LOG, 6, false), 0);
  assert.equal(partOf(0, LOG, 6, true), 0.5);
});

test("the bitmap is one of 8 bits with rows of four bytes, from the top", () => {
  const bytes = bitmap(Uint8Array.from([1, 2, 3, 4, 5, 6]), 3, new Uint8Array(1024).fill(7));
  const head = new DataView(bytes.buffer);
  assert.equal(String.fromCharCode(bytes[0], bytes[1]), "BM");
  assert.deepEqual([head.getUint32(2, true), head.getUint32(10, true), head.getUint32(14, true)], [1086, 1078, 40]);
  assert.deepEqual([head.getInt32(18, true), head.getInt32(22, true)], [3, -2]);
  assert.deepEqual([head.getUint16(26, true), head.getUint16(28, true), head.getUint32(46, true)], [1, 8, 256]);
  assert.equal(bytes[54], 7);
  assert.deepEqual([...bytes.subarray(1078)], [1, 2, 3, 0, 4, 5, 6, 0]);
});

test("a picture that is not needed any more can be fetched for a while", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const gone = [];
  context.mock.method(URL, "createObjectURL", () => "blob:1");
  context.mock.method(URL, "revokeObjectURL", (address) => gone.push(address));
  const map = layer([0, 2, 4, 255]);
  const look = { display: { palette: "grey", ...LINEAR }, limit: 8, ramp: GREY, missing: [9, 9, 9] };
  assert.equal(map.picture(look, "cells", 1), "blob:1");
  map.release();
  assert.deepEqual(gone, []);
  context.mock.timers.tick(30_000);
  assert.deepEqual(gone, ["blob:1"]);
});
