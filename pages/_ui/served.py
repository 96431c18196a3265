"""Scripts of the pages: modules below ``static``, fetched once; what Streamlit sends with every run only imports them."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "static"
LOADER = """
const place = (path) => new URL(`app/static/FOLDER/${path}`, document.baseURI).href;
const asked = NAMES.map((name) => fetch(place(name), { cache: "no-cache" }));
const script = Promise.all(asked).then(() => import(place("main.js")));
export default function (component) {
  const failed = ({ message }) => component.parentElement.append(` ${message}`);
  script.then((view) => view.default(component)).catch(failed);
}
"""
"""The modules are asked for anew once a page, so that a browser never runs old ones beside new ones; the import then finds them."""


def loader(folder: str) -> str:
    """The script of a component whose modules lie in ``static/folder``; its door is ``main.js``."""
    names = sorted(path.name for path in (STATIC / folder).glob("*.js"))
    return LOADER.replace("FOLDER", folder).replace("NAMES", str(names))
