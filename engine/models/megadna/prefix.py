"""megaDNA without what cannot matter: padding, and everything before a changed base.

A base is scored from the state of the last window, which needs of every coarser stage the state before its own part only. So parts that
hold padding are never computed, nor is the coarsest embedding of an input of one patch. A change of one token leaves untouched: all finest
windows before its own, all states of each coarser stage up to its own part, and (within the first patch) the coarsest stage altogether.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.progress import interruption_point
from engine.models.megadna.network import CausalLayer, MegaDnaNet, Stage
from engine.models.shortcuts.places import by_place
from engine.models.shortcuts.prefix import PrefixReference, PrefixStack

WINDOWS_AT_ONCE = 256
"""Finest windows that go through all layers together on a CPU: what they compute stays in its caches, and a stop is heard between them."""


@dataclass(frozen=True, eq=False)
class _ShiftedBlock:
    """A `CausalLayer` that may start in the middle: the token shift reads the row before from outside."""

    layer: CausalLayer

    def project(self, rows: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        layer = self.layer
        ready = layer.norm(_shifted(rows, before))
        query = layer.query(ready).view(*ready.shape[:2], layer.heads, -1).transpose(1, 2)
        key, value = layer.key_value(ready).unsqueeze(1).chunk(2, dim=-1)
        return query, key, value

    def attended(self, rows: Tensor, read: Tensor) -> Tensor:
        out: Tensor = rows + self.layer.out(read.transpose(1, 2).flatten(2))
        return out

    def fed(self, rows: Tensor, before: Tensor) -> Tensor:
        layer = self.layer
        out: Tensor = rows + layer.down(functional.gelu(layer.up(layer.up_norm(_shifted(rows, before)))))
        return out


def _shifted(rows: Tensor, before: Tensor) -> Tensor:
    half = rows.shape[-1] - rows.shape[-1] // 2  # as chunk(2) cuts
    earlier = torch.cat((before[..., half:].expand(rows.shape[0], -1, -1), rows[:, :-1, half:]), dim=1)
    return torch.cat((rows[..., :half], earlier), dim=-1)


@dataclass(frozen=True, eq=False)
class _StageReference:
    """A stage of the reference: ``rows`` (R, n, d) before the first layer, start token in front, ``kept`` by the layers, ``states`` (R, n, d)."""

    rows: Tensor
    kept: PrefixReference
    states: Tensor


@dataclass(frozen=True, eq=False)
class MegaDnaReference:
    """``ids`` (T,), the coarser stages, what the finest windows add to their tokens, ``above`` (W, n, d) or None, ``logits`` (T, V)."""

    ids: Tensor
    stages: tuple[_StageReference, ...]
    above: Tensor | None
    logits: Tensor


class MegaDnaPrefix:
    """Scores whole inputs and mutants of a `MegaDnaNet` without padding and without what stands before the change."""

    def __init__(self, net: MegaDnaNet) -> None:
        self.net = net
        self.stages: list[Stage] = list(net.stages)  # type: ignore[arg-type]
        self.stacks = [PrefixStack([_ShiftedBlock(layer) for layer in stage.layers]) for stage in self.stages]  # type: ignore[arg-type]
        lengths = net.config.lengths
        self.part_tokens = [math.prod(lengths[index + 1 :]) for index in range(len(lengths))]

    def logits(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V) of ids (B, T); row t scores token t + 1, as the network's own."""
        above: Tensor | None = None
        for index in range(len(self.stages) - 1):
            rows = self._inputs(index, ids, above)
            above = self._handed(index, self.stages[index].norm(self.stacks[index].outputs(rows)), ids.shape[0], ids.shape[1])
        return self._finest(self._windows(ids), above, ids.shape[0])[:, : ids.shape[1]]

    def reference(self, ids: Tensor) -> MegaDnaReference:
        """Run the reference ids (T,) and keep what mutants share."""
        above: Tensor | None = None
        kept: list[_StageReference] = []
        for index in range(len(self.stages) - 1):
            rows = self._inputs(index, ids[None], above)
            reference = self.stacks[index].reference(rows)
            kept.append(_StageReference(rows, reference, self.stages[index].norm(reference.outputs)))
            above = self._handed(index, kept[-1].states, 1, len(ids))
        logits = self._finest(self._windows(ids[None]), above, 1)[0, : len(ids)]
        return MegaDnaReference(ids, tuple(kept), above, logits)

    def mutants(self, reference: MegaDnaReference, places: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) of mutants: the token at ``places[b]`` is ``tokens[b]``; row t scores token t + 1."""
        out = reference.logits.repeat(len(places), 1, 1)
        window = self.net.config.lengths[-1]
        for place, same in by_place(places):
            out[same, place // window * window :] = self._changed(reference, place, tokens[same])
        return out

    def _inputs(self, index: int, ids: Tensor, above: Tensor | None) -> Tensor:
        """Rows (R, 1 + n, d) of a coarser stage: start token, then every part but the last of each row; ``above`` is added."""
        parts = self._parts(index, ids)
        stage = self.stages[index]
        embedded: Tensor = stage.embed(parts)
        if above is not None:
            embedded = embedded + above[:, : embedded.shape[1]]
        return torch.cat((stage.start.to(embedded.dtype).expand(embedded.shape[0], 1, -1), embedded), dim=1)

    def _parts(self, index: int, ids: Tensor) -> Tensor:
        """Token ids (R, n, tokens) of the parts whose successor needs them: all but the last part of a row."""
        tokens, length = self.part_tokens[index], self.net.config.lengths[index]
        parts = -(-ids.shape[1] // tokens)
        rows = -(-parts // length)
        wanted = rows * length if rows > 1 else parts
        padded = functional.pad(ids, (0, max(0, wanted * tokens - ids.shape[1])), value=self.net.config.pad_id)[:, : wanted * tokens]
        return padded.reshape(ids.shape[0] * rows, wanted // rows, tokens)[:, :-1]

    def _handed(self, index: int, states: Tensor, batch: int, length: int) -> Tensor:
        """What the next stage adds to the parts of each of its rows, (batch * rows, parts, d); rows without real tokens are left out."""
        stage = self.stages[index]
        if stage.project is None:
            raise ValueError("the finest stage hands nothing down")
        count = -(-length // self.part_tokens[index])
        states = states.reshape(batch, -1, states.shape[-1])[:, :count]
        finer: Tensor = stage.project(states)
        return finer.reshape(batch * count, stage.parts, -1)

    def _windows(self, ids: Tensor) -> Tensor:
        """Ids (B * W, n) of the finest windows."""
        size = self.net.config.lengths[-1]
        return functional.pad(ids, (0, -ids.shape[1] % size), value=self.net.config.pad_id).reshape(-1, size)

    def _finest(self, windows: Tensor, above: Tensor | None, batch: int) -> Tensor:
        """Logits (batch, W * n, V) of the token after each token of the windows."""
        size = WINDOWS_AT_ONCE if windows.device.type == "cpu" else max(1, len(windows))
        parts = []
        for low in range(0, len(windows), size):
            interruption_point()
            parts.append(self._of_windows(windows[low : low + size], None if above is None else above[low : low + size]))
        logits = torch.cat(parts) if len(parts) > 1 else parts[0]
        return logits.reshape(batch, -1, logits.shape[-1])

    def _of_windows(self, windows: Tensor, above: Tensor | None) -> Tensor:
        """Logits (W, n, V) of the token after each token of W windows."""
        stage = self.stages[-1]
        rows: Tensor = stage.embed(windows)
        if above is not None:
            rows = rows + above
        rows = torch.cat((stage.start.to(rows.dtype).expand(rows.shape[0], 1, -1), rows), dim=1)
        return self.net.scores(stage.norm(self.stacks[-1].outputs(rows))[:, 1:])

    def _changed(self, reference: MegaDnaReference, place: int, tokens: Tensor) -> Tensor:
        """Logits (G, T - w, V) from the first row w of the window that holds ``place``, of G mutants that change this token."""
        batch, length = len(tokens), len(reference.ids)
        ids = reference.ids.repeat(batch, 1)
        ids[:, place] = tokens
        later: Tensor | None = None  # what rows behind the changed one get from above, (G, rows, parts, d)
        for index in range(len(self.stages) - 1):
            later = self._changed_stage(reference, index, ids, place, later)
        first = place // self.net.config.lengths[-1]
        windows = self._windows(ids[:, first * self.net.config.lengths[-1] :])
        if reference.above is None:
            return self._finest(windows, None, batch)[:, : length - first * self.net.config.lengths[-1]]
        own = reference.above[first].expand(batch, 1, -1, -1)
        above = own if later is None else torch.cat((own, later), dim=1)
        return self._finest(windows, above.flatten(0, 1), batch)[:, : length - first * self.net.config.lengths[-1]]

    def _changed_stage(self, reference: MegaDnaReference, index: int, ids: Tensor, place: int, later: Tensor | None) -> Tensor | None:
        """What the next stage's rows behind the changed one get from this stage, (G, rows, parts, d); None when there are none."""
        stage, stack, known = self.stages[index], self.stacks[index], reference.stages[index]
        tokens, length = self.part_tokens[index], self.net.config.lengths[index]
        batch, part = len(ids), place // tokens
        row, within = part // length, part % length
        behind = -(-ids.shape[1] // tokens) - part - 1
        states: list[Tensor] = []
        if behind and within + 1 < length:
            rows = known.rows[row, within + 1 :].repeat(batch, 1, 1)
            changed: Tensor = stage.embed(ids[:, part * tokens : (part + 1) * tokens])
            original: Tensor = stage.embed(reference.ids[part * tokens : (part + 1) * tokens])
            rows[:, 0] += changed - original
            states.append(stage.norm(stack.suffix(known.kept, row, within + 1, rows)))
        if later is not None and later.shape[1]:
            every = self._parts(index, ids)
            parts = every.reshape(batch, -1, *every.shape[1:])[:, row + 1 :]
            embedded: Tensor = stage.embed(parts) + later[:, :, : parts.shape[2]]
            start = stage.start.to(embedded.dtype).expand(*embedded.shape[:2], 1, -1)
            whole = stack.outputs(torch.cat((start, embedded), dim=2).flatten(0, 1))
            states.append(stage.norm(whole).reshape(batch, -1, whole.shape[-1]))
        if not states:
            return None
        if stage.project is None:
            raise ValueError("the finest stage hands nothing down")
        finer: Tensor = stage.project(torch.cat(states, dim=1)[:, :behind])
        return finer.reshape(batch, behind, stage.parts, -1)
