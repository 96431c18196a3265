// Small helpers that build elements. Text always goes in as text, never as markup.

function element(tag, { text, className, title, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  if (title) made.title = title;
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function button(text, title, onclick, attributes = {}) {
  return element("button", { text, title, onclick, type: "button", "aria-label": title, ...attributes });
}

function chooser(label, name, options, value, onpick) {
  const select = element("select", { name, "aria-label": label, onchange: () => onpick(select.value) });
  for (const [key, text] of options) select.append(element("option", { value: key, text, selected: key === String(value) }));
  return element("label", {}, [element("span", { text: label }), select]);
}

function numberField(label, name, value, { min, max, step, placeholder }, onpick) {
  const input = element("input", { type: "number", name, min, max, step, placeholder, "aria-label": label, value: value ?? "" });
  input.addEventListener("change", () => onpick(input.value === "" ? null : Math.min(max ?? Infinity, Math.max(min ?? -Infinity, Number(input.value)))));
  return element("label", {}, [element("span", { text: label }), input]);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
