"""What was shown, step by step: what undo and redo go through, and the loci seen last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.core.regions import Region
from engine.sources.understood import Understood
from pages._ui.question import Question

MOST_STEPS, MOST_RECENT = 40, 12
LONGEST_TITLE = 60


@dataclass(frozen=True)
class Step:
    """What was asked, with the regions that were marked; ``understood`` of a file, which cannot be read again from its text."""

    question: Question
    regions: tuple[Region, ...] = ()
    understood: Understood | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class History:
    """``steps`` oldest first, the one that is shown at ``at``; ``recent`` texts of questions with their titles, newest first; ``asked`` the place
    that was typed last: assembly, contig, start, end."""

    steps: tuple[Step, ...] = ()
    at: int = -1
    recent: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, str, int, int] | None = None

    def noted(self, step: Step, title: str) -> History:
        """With a step that is shown now; what was undone before it is forgotten."""
        if self.steps and self.steps[self.at] == step:
            return self
        steps = (*self.steps[: self.at + 1], step)[-MOST_STEPS:]
        text = step.question.text
        recent = self.recent
        if not step.question.moved and not step.question.is_of_file:
            recent = ((text, title[:LONGEST_TITLE]), *(item for item in recent if item[0] != text))[:MOST_RECENT]
        return replace(self, steps=steps, at=len(steps) - 1, recent=recent)
