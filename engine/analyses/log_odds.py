"""Scores of the four bases from logits, exact where probabilities saturate.

The published map (Tomaz da Silva et al., Nature Genetics 2025; gagneurlab/dependencies_DNALM, quick-start notebook, cell 8) takes
log2(p) − log2(1 − p) of probabilities in float32, which cancels for confident predictions and becomes infinite beyond about 16 nats.
The same number is l_n − logsumexp of the other three logits, which never cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Metric = Literal["log2_odds", "log_ratio"]
LN2 = math.log(2.0)


@dataclass(frozen=True)
class Scale:
    """How the prediction at a base becomes four comparable numbers.

    ``metric="log2_odds"``: log odds of each base, in bits (``natural=True``: in nats). ``epsilon`` is added to the probabilities under
    the softmax over the model's whole vocabulary, which are then renormalised, in float64 with the complement as the sum of the other
    three, as the paper's formula means it; None = exact, from logits, no saturation.

    ``metric="log_ratio"``: ln p, so that a difference is ln p(alt)/p(ref). Without ``epsilon`` p is renormalised over the four bases;
    with it, ln(p + epsilon) of the vocabulary-wide p, as pattern_finding_species.py computes it.
    """

    metric: Metric = "log2_odds"
    epsilon: float | None = None
    natural: bool = False

    @property
    def normalised(self) -> bool:
        """Whether the scale needs log-probabilities over the whole vocabulary."""
        return self.epsilon is not None

    def __call__(self, logits: Tensor) -> Tensor:
        """Scores with the shape of ``logits`` (..., 4): float32, or float64 with an epsilon."""
        if self.metric == "log_ratio":
            return logits.log_softmax(-1) if self.epsilon is None else (logits.double().exp() + self.epsilon).log()
        odds = log_odds(logits) if self.epsilon is None else log_odds_epsilon(logits, self.epsilon)
        return odds if self.natural else odds / LN2


def log_odds(logits: Tensor) -> Tensor:
    """Natural log odds ln p/(1 − p) of each base, (..., 4) to (..., 4), p renormalised over the four; any common shift is allowed."""
    import torch

    a, c, g, t = (column.contiguous() for column in logits.unbind(-1))
    ac, gt = torch.logaddexp(a, c), torch.logaddexp(g, t)
    others = (torch.logaddexp(c, gt), torch.logaddexp(a, gt), torch.logaddexp(ac, t), torch.logaddexp(ac, g))
    return torch.stack([own - rest for own, rest in zip((a, c, g, t), others, strict=True)], dim=-1)


def log_odds_epsilon(log_probabilities: Tensor, epsilon: float) -> Tensor:
    """Natural log odds float64 of p + ``epsilon`` renormalised over the four bases, (..., 4) to (..., 4).

    1 − p is the sum of the other three, so that nothing cancels; the normalising constant leaves the ratio.
    """
    import torch

    a, c, g, t = (column.contiguous() for column in (log_probabilities.double().exp() + epsilon).unbind(-1))
    others = (c + g + t, a + g + t, a + c + t, a + c + g)
    return torch.stack([own.log() - rest.log() for own, rest in zip((a, c, g, t), others, strict=True)], dim=-1)
