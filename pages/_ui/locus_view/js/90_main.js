// Streamlit calls this at every change of its data; the view it makes lives on its element.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lv");
  const board = switchboard();
  if (!root.__view) {
    root.__view = new LocusView(root);
    root.__view.adopt(board.views.get(data.target)); // back from another page: the view is as it was left
  }
  board.views.set(data.target, root.__view);
  root.__view.update(data, setTriggerValue);
}
