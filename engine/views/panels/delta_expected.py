"""What an allele does to the reconstruction: the change of P(the reference's base)."""

from __future__ import annotations

from engine.views.signed import difference_panel

PANEL = difference_panel(
    "expected",
    id="delta-expected",
    title="Δ expected base",
    name="change of P(reference base)",
    unit="Δ P",
    least=0.1,
    help="Change of the probability that the model gives the reference's own base (reconstruction), alternate less reference: red more, blue less.",
    reading="Blue bars are bases that the model expects less beside the alternate: they hang on what was changed.",
    order=61,
)
