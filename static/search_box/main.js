// The search box: Enter sends it, Shift + Enter begins a line; names of genes are offered while they are typed; text that
// the server would refuse is stopped before it is sent, with a sentence.

const BOX = ".st-key-search textarea";
const REST = 220; // milliseconds without a key after which names are asked for
const NAME = /^[A-Za-z][\w.:-]{1,39}$/;
const LETTERS = /^[ACGTUN]+$/i;

let longest = Number.POSITIVE_INFINITY;
let send = () => {};
let waiting = 0;
const list = Object.assign(document.createElement("ul"), { className: "search-names", role: "listbox" });

export default function ({ data, setTriggerValue }) {
  longest = data.longest;
  send = setTriggerValue;
  for (const [name, does] of Object.entries({ paste: guarded, keydown: pressed, input: typed, focusout: closed })) {
    document.removeEventListener(name, does, true);
    document.addEventListener(name, does, true);
  }
  offer(data.names, data.start);
}

const isBox = (target) => target.matches?.(BOX);
const chosen = () => list.querySelector("[aria-selected=true]");

function pressed(event) {
  const { key, target, shiftKey, ctrlKey, metaKey, isComposing } = event;
  if (!isBox(target) || shiftKey || ctrlKey || metaKey || isComposing) return;
  const options = [...list.children];
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (key === "Escape") list.remove();
  if (step && list.isConnected) choose(options.at((options.indexOf(chosen()) + step) % options.length));
  else if (key === "Tab" && list.isConnected) take(target, chosen() || options[0]);
  else if (key === "Enter") enter(target);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
// Streamlit sends a text area with Ctrl + Enter; a name that was chosen goes in first.
function enter(box) {
  if (list.isConnected && chosen()) take(box, chosen());
  list.remove();
  clearTimeout(waiting);
  setTimeout(() => box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true })));
}
function choose(option) {
  for (const other of list.children) other.ariaSelected = other === option;
}
function take(box, option) {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, option.textContent);
  list.remove();
  box.dispatchEvent(new InputEvent("input", { bubbles: true, data: "" }));
}
function typed({ target, data }) {
  if (!isBox(target)) return;
  list.remove();
  clearTimeout(waiting);
  const start = target.value.trim();
  if (data && NAME.test(start) && !LETTERS.test(start)) waiting = setTimeout(() => send("typed", { start }), REST);
}
function offer(names, start) {
  const box = document.querySelector(BOX);
  if (!names?.length || document.activeElement !== box || box.value.trim() !== start) return list.remove();
  const { left, bottom, width } = box.getBoundingClientRect();
  list.style.cssText = `left:${left}px;top:${bottom + 4}px;min-width:${Math.min(width, 320)}px`;
  list.replaceChildren(...names.map((name) => Object.assign(document.createElement("li"), { textContent: name })));
  for (const option of list.children) {
    option.role = "option";
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(box, option);
    });
  }
  document.body.append(list);
}
function closed({ target }) {
  if (isBox(target)) list.remove();
}

function guarded(event) {
  const size = event.clipboardData?.getData("text").length || 0;
  if (size <= longest || !isBox(event.target)) return;
  event.preventDefault();
  event.stopPropagation();
  const [given, most] = [size, longest].map((number) => number.toLocaleString("en"));
  alarm(`The pasted text has ${given} characters; at most ${most} can be pasted. Open a longer sequence as a file.`);
}

// A sentence that must not be missed: over the page until it is clicked away.
function alarm(text) {
  const box = document.createElement("div");
  box.className = "search-alarm";
  box.role = "alert";
  box.textContent = text;
  box.addEventListener("click", () => box.remove());
  document.body.append(box);
  setTimeout(() => box.remove(), 12000);
}
