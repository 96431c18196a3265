"""The page of help."""

from __future__ import annotations

import streamlit as st

from engine.service.triage_stream import UNFINISHED_DAYS
from engine.views.panel import panels
from pages._ui import state

CAUTIONS = """
* A model knows the kind of genomes it was trained on; far from them its maps are faint or wrong. The page *Models* says what each was trained on.
* The map is about the model, not a measurement. A strong pair is a hypothesis.
* **A memory of relatives.** Where the shipped model reads RNA (letters with U, or the domain rna), it looks masked letters up in a table of
  the words of its training RNAs, too: expected bases, uncertainty, effects and losses then say what relatives have there. The page, the
  provenance and every file say so, and at how many bases. *Without its memory* under the question, or `--species "rna without memory"`, shows what
  the network knows by itself; the button is about the sequence it stands under, and any other is asked as before. Maps and contacts never hear it.
* **Two shipped models.** *Locuscope local* is *Locuscope* distilled into a network that reads 249 bases around each base, and pairs and reading
  frames of the whole sequence: exact maps of long sequences in a fraction of the time. It tells lost start codons and missense variants less well and has no memory of relatives.
  Every panel names the model that answered.
* **Simple methods beside the model.** The line *stem counter* in *Possible base pairs* knows nothing but letters that pair; the (i) of that panel and
  the page *Benchmarks* have how many pairs each finds. Of variants, *Triage* says for which consequence classes a score was measured no better
  than chance.
* A pattern's q-value is the share of false places expected among those at least as strong, held against shuffled letters; what is real
  to the model need not be real to the cell.
* Edges have less context: the first and last bases of a window are predicted worse.
* Positions on screen are 1-based and inclusive; exported files follow the convention of their format.
* A pasted sequence stays in this installation. Only the name of a locus goes to a public service, and only when its assembly is not
  registered here. What you have on screen is forgotten when you close the page; computations nobody waits for stop.
* Own tracks (*Tracks*) are kept in this server's memory until you leave; nothing of them stands in a link;
  a session file (*File*) holds them. ↶ and ↷ take back places, strands, models, settings of analyses and regions; the display (colours, panels folded,
  their order and height) and own tracks stay as they are. A correlation with a model's track takes
  neighbouring bases as if they were independent, so its interval is too narrow.
* *Export*, *Other browsers*, writes the view for IGV, JBrowse and the UCSC Genome Browser. Where the genome is not one they know, the letters
  around the window are N there.
* The page *Phage* ranks genes by what replacing them costs the model; what it generates was never observed, and every file of it says so.
* A map of embeddings shows what a model tells apart, distances on a UMAP mean little; read the adjusted Rand index beside that of k-mers and GC
  content. Regressions are measured on groups that were held out whole.
* The page *Protein* reads AlphaMissense's published table: missense substitutions of canonical human transcripts, no others; many false alarms in
  some genes (CFTR) and in disordered regions. AlphaGenome is asked only when you tick or press it: the place, and alleles, go to its service. Not for diagnosis.
* GPU: not measured. Networks run there in float16; no figure of a real one has been taken yet (`make gpu` takes them).
* {kept}
* The address bar holds pasted letters and their name, so that a link reproduces the view; share links knowingly. Letters of a file are in no link.
"""

KEYS = """
| keys or mouse | what happens |
|---|---|
| drag, Shift + arrows | move along the sequence |
| Ctrl + wheel, `+` `-` | zoom |
| `z`, then drag | zoom into a box, in the map into any block, also off the diagonal |
| double click, `0` | whole sequence |
| `[` `]`, `{` `}`, ‹ › « »; drag or `-` past the edge | along the genome by half a window, by a whole one, as far as you like |
| bar over the figure | the contig, its genes (forward strand above the line, reverse below) and what is in view: a click goes there, a drag shows a stretch |
| `f` `b`, `o`, `w` | next, previous gene; ten times more; the whole contig |
| drag on the ruler, Shift + drag, `s`; by keys `r`, arrows, Enter | choose a region: zoom, copy its letters, compute on it alone |
| click; arrows and Enter | select a base or a pair; its card opens beside the figure |
| `n` `p` | next, previous strongest pair |
| `m` `v` `d` `?` | kind of map, reverse complement, display settings, help |
| on the page *Lessons*: Space, → ← | reveal the answer; next step, back. Tab leads to the choices, where Space takes the first and ↓ ↑ another one |
| on the page *Triage*: `j` `k` | once a row is open, the next one, the one before |
| ▾ and i left of a panel | fold it; what it shows, its parts to switch off, its place and height |
"""

FILES = (
    "What has to be a file to be read lies on its disk meanwhile: a reference that you upload for a triage, with its gene models, until you leave; "
    "others for as long as they are read or written."
)
KEPT = {
    "disk": "Results are kept on this server's disk until newer ones need the room, so that the same question is answered at once. Your letters "
    "are not written as such, but they can be read from some results (a substitution by the same base has no effect); maps that were not "
    f"finished are kept, too, and of a triage that was not finished its rows, with their alleles, for {UNFINISHED_DAYS} days. {FILES} Nobody is told what others asked. The setting LOCUSCOPE_KEEP=memory keeps results in memory only.",
    "memory": f"Results are kept in this server's memory only. {FILES} Nothing else about your letters is written to its disk.",
}
"""What is written about a visitor's letters, by the setting ``keep``."""


def panel_table() -> str:
    """What each panel of the figure shows and how to read it, from the panels themselves."""
    rows = [f"| **{panel.title}** | {panel.help} | {panel.reading} |" for panel in panels()]
    return "\n".join(["| panel | what it shows | how to read it |", "|---|---|---|", *rows])


def page() -> None:
    """Draw the page."""
    st.subheader("What the panels show", anchor=False)
    st.markdown(panel_table())
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Mouse and keyboard", anchor=False)
        st.markdown(KEYS)
    with right:
        st.subheader("What to keep in mind", anchor=False)
        st.markdown(CAUTIONS.format(kept=KEPT[state.shared().settings.keep]))
        st.caption(
            "Dependency maps follow Tomaz da Silva et al., Nature Genetics 2025. The same results are made by `python -m engine map`, "
            "`effects`, `probabilities`, `contacts`, `patterns`, `segment`; the page Alignment and `alignment` hold them against the covariation of an "
            "alignment, by mutual information less the average product correction (Dunn et al., Bioinformatics 2008)."
        )
