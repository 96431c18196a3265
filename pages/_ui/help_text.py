"""The page of help."""

from __future__ import annotations

import streamlit as st

PANELS = """
| panel | what it shows | how to read it |
|---|---|---|
| **Dependency map** | Row: the base that is changed to each of the other three. Column: the base that is read. Colour: the largest change of the log2 odds of any of the four bases there, in bits. | Blocks on the diagonal are motifs whose bases depend on each other. Lines at right angles to the diagonal are bases that pair (stems of an RNA). Lines along the diagonal are repeats. |
| **Strongest pairs** | Arcs between the bases of the strongest pairs, thicker and darker for stronger ones; accented where a contact was read. | Nested arcs: a stem. Crossing arcs: a pseudoknot. |
| **Contacts** | Dot-bracket of A-T, C-G and G-T pairs read from the map, one partner a base, above the background of this map. | Brackets of different kinds cross each other. |
| **Tokens** | For models whose words are longer than a base: the words, darker the surer the model is of them. | A dependency within one word is no finding. |
| **Reconstruction** | What the model expects at each base, from all others: letters as high as their share of the information (2 bits less the entropy). | High letters are bases that the rest of the sequence determines. |
| **Effect** | Natural log-likelihood ratio of each substitution against the reference. Blue: less expected than the reference. Red: more. | A column that is blue throughout is a base the model would not change. |
| **Influence** | How much a substitution changes the predictions at all other bases: mean over them of the largest change of log2 odds; the largest of the three substitutions is drawn. | High bars are bases that others depend on. |
| **Entropy** | Uncertainty of the reconstruction, 0 (sure) to 2 bits (no idea). | Compare with Reconstruction. |
| **Elements** | Probability that a base is part of each genomic element, each by itself. | Elements may overlap. |
"""

CAUTIONS = """
* A model knows the kind of genomes it was trained on; far from them its maps are faint or wrong. The page *Models* says what each was trained on.
* The map is about the model, not a measurement. A strong pair is a hypothesis.
* Edges have less context: the first and last bases of a window are predicted worse.
* Positions on screen are 1-based and inclusive; exported files follow the convention of their format.
* A pasted sequence stays in this installation: in its memory and in its store of results. Only the name of a locus goes to a public
  service, and only when its assembly is not registered here.
* The address bar holds pasted letters, so that a link reproduces the view; share links knowingly.
"""

KEYS = """
| keys or mouse | what happens |
|---|---|
| drag, Shift + arrows | move along the sequence |
| Ctrl + wheel, `+` `-` `0`, double click | zoom; whole sequence |
| drag on the ruler, Shift + drag, `s` | choose a region: zoom, copy its letters, compute on it alone |
| click; arrows and Enter | select a base or a pair; its card opens beside the figure |
| `n` `p` | next, previous strongest pair |
| `m` `v` `d` `?` | kind of map, reverse complement, display settings, help |
"""


def page() -> None:
    """Draw the page."""
    st.subheader("What the panels show", anchor=False)
    st.markdown(PANELS)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Mouse and keyboard", anchor=False)
        st.markdown(KEYS)
    with right:
        st.subheader("What to keep in mind", anchor=False)
        st.markdown(CAUTIONS)
        st.caption(
            "Dependency maps follow Tomaz da Silva et al., Nature Genetics 2025. The same results are made by `python -m engine map`, "
            "`effects`, `probabilities`, `contacts` and `segment`."
        )
