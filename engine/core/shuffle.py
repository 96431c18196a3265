"""Shuffled sequences that keep every count of two neighbouring letters, as controls.

A sequence is a walk over its letters that uses each pair of neighbours once (an Eulerian path). Another such walk over the same pairs is a
sequence of the same dinucleotides with the same first and last letter. Every distinct one is equally likely: the last way out of each letter is
drawn as a random tree towards the last letter (Wilson, STOC 1996), the others are put in random order (Altschul and Erickson, Molecular
Biology and Evolution 1985).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator


def dinucleotide_shuffle(letters: str, generator: Generator) -> str:
    """Letters in an order drawn by ``generator``, with the same number of each two neighbours and the same first and last letter."""
    ways: dict[str, list[str]] = {}
    for one, other in pairwise(letters):
        ways.setdefault(one, []).append(other)
    if len(letters) < 4 or len(ways) < 2:
        return letters
    last_ways = _tree_towards(letters[-1], ways, generator)
    order: dict[str, list[str]] = {}
    for letter, following in ways.items():
        rest = list(following)
        last = [last_ways[letter]] if letter in last_ways else []
        for way in last:
            rest.remove(way)
        order[letter] = [rest[index] for index in generator.permutation(len(rest))] + last
    walk, used = [letters[0]], dict.fromkeys(ways, 0)
    for _ in range(len(letters) - 1):
        at = walk[-1]
        walk.append(order[at][used[at]])
        used[at] += 1
    return "".join(walk)


def _tree_towards(root: str, ways: dict[str, list[str]], generator: Generator) -> dict[str, str]:
    """The next letter of each letter but ``root``, so that all lead there: a random walk from each, its loops forgotten."""
    following: dict[str, str] = {}
    reached = {root}
    for start in ways:
        at = start
        while at not in reached:
            following[at] = ways[at][int(generator.integers(len(ways[at])))]
            at = following[at]
        at = start
        while at not in reached:
            reached.add(at)
            at = following[at]
    return following
