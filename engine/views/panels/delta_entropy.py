"""What an allele does to the entropy of what the model expects."""

from __future__ import annotations

from engine.views.signed import difference_panel

PANEL = difference_panel(
    "entropy",
    id="delta-entropy",
    title="Δ uncertainty",
    name="change of the uncertainty",
    unit="Δ bits",
    least=0.2,
    help="Change of the entropy of the four probabilities, alternate less reference: red where the model is less sure, blue where it is surer.",
    reading="Red beside the allele means that it breaks something the model knew.",
    order=91,
)
