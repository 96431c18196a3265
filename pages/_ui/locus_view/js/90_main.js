// Streamlit calls this at every change of its data; the view it makes lives on its element.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lv");
  const board = switchboard();
  root.__view ||= new LocusView(root);
  board.views.set(data.target, root.__view);
  root.__view.update(data, setTriggerValue);
}
