// Envelopes, figures and settings.

import assert from "node:assert/strict";
import { test } from "node:test";
import { board, chosen, decode, figureOf, isChosen, rate, settingOf } from "../../static/figure_view/page.js";

function envelope(header, ...arrays) {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const room = Math.ceil((8 + head.length) / 8) * 8;
  const bytes = new Uint8Array(room + arrays.reduce((sum, array) => sum + Math.ceil(array.byteLength / 8) * 8, 0));
  bytes.set(new TextEncoder().encode("LVW1"));
  new DataView(bytes.buffer).setUint32(4, head.length, true);
  bytes.set(head, 8);
  let place = room;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer), place);
    place += Math.ceil(array.byteLength / 8) * 8;
  }
  return bytes;
}

const HEADER = { target: "t", kind: "k", arrays: [{ name: "values", dtype: "f4", offset: 104, count: 3 }] };

test("an envelope is opened wherever its bytes begin", () => {
  const whole = envelope(HEADER, Float32Array.from([1, 2.5, -3]));
  assert.equal(whole.length, 104 + 16);
  const shifted = new Uint8Array(whole.length + 3);
  shifted.set(whole, 3);
  const { header, arrays } = decode(shifted.subarray(3));
  assert.equal(header.kind, "k");
  assert.deepEqual([...arrays.values], [1, 2.5, -3]);
  assert.throws(() => decode(new Uint8Array(16)), /not an envelope/);
});

test("a figure gets its arrays back, however deep they stand", () => {
  const json = new TextEncoder().encode('{"data":[{"x":{"array":"0"},"z":[{"array":"1"}],"y":null}]}');
  const one = Float32Array.from([1]);
  const figure = figureOf({ arrays: { json, 0: one, 1: one } });
  assert.equal(figure.data[0].x, one);
  assert.equal(figure.data[0].z[0], one);
});

test("what arrives before its view waits for it", () => {
  board.post(envelope(HEADER, Float32Array.from([1, 2, 3])));
  const seen = [];
  board.views.set("t", { receive: (one) => seen.push(one.header.kind) });
  assert.equal(board.parked.get("t/k").header.kind, "k");
  board.post(envelope(HEADER, Float32Array.from([1, 2, 3])));
  assert.deepEqual(seen, ["k"]);
});

test("a selection is a position or two, and a row of either order is chosen", () => {
  assert.equal(chosen({ i: 71, j: 0 }), "72,1");
  assert.equal(chosen({ i: 4, j: 4 }), "5");
  assert.equal(chosen(null), "");
  assert.equal(isChosen({ dataset: { places: "1,72" } }, { i: 71, j: 0 }), true);
  assert.equal(isChosen({ dataset: { places: "1" } }, { i: 0, j: 71 }), false);
});

test("an empty field is no value, numbers are numbers", () => {
  assert.equal(settingOf({ type: "number" }, ""), null);
  assert.equal(settingOf({ type: "number" }, "5.5"), 5.5);
  assert.equal(settingOf({ type: "select-one" }, "log"), "log");
});

test("the slider of the threshold is there with shuffled controls only, and says the share of false cells", () => {
  const [slider, told] = [{}, {}];
  const field = {};
  const rated = { children: [{}, slider, told], previousElementSibling: { lastElementChild: field } };
  rate({ dom: { rated }, facts: { map: { rated: null } }, display: { threshold: 0 } });
  assert.equal(rated.hidden, true);
  const stops = [{ limit: 1 }, { limit: 2 }];
  const map = { rated: { stops, limits: [0.5, 1, 2], shares: [0.9, 0.5, 0.1], words: "by 5 shuffled sequences" } };
  rate({ dom: { rated }, facts: { map }, display: { threshold: 1.5 } });
  assert.deepEqual([rated.hidden, slider.max, slider.value], [false, 2, 1]);
  assert.equal(told.textContent, "q 0.50 by 5 shuffled sequences");
  assert.equal(field.value, 1.5);
});
