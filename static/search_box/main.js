// Guards the search box: text that the server would refuse is stopped before it is sent, with a sentence.

let longest = Number.POSITIVE_INFINITY;

export default function ({ data }) {
  longest = data.longest;
  document.removeEventListener("paste", guarded, true);
  document.addEventListener("paste", guarded, true);
}

function guarded(event) {
  const size = event.clipboardData?.getData("text").length || 0;
  if (size <= longest || !event.target.closest?.(".st-key-search textarea")) return;
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
