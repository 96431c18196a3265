"""The shipped model's variant scores by consequence class, on genes that no training saw: distributions, and AUROC against synonymous ones.

Goes the way a triage goes: gene models to consequences, windows, llr and influence. Classes that are rare at random are drawn where they
occur: start and stop codons, both ends of introns.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.ranking import auroc, estimate
from engine.core.calibration import NEUTRAL, SCORES
from engine.core.progress import SilentMonitor
from engine.core.settings import Settings
from engine.core.transcripts import Transcript, Transcripts
from engine.core.variants import ScoredVariant, TriageParameters, Variant
from engine.service.engine import Engine
from engine.service.triage import Genes, ReferenceLetters, TriageRequest
from engine.sources.door import OWN_FILES
from engine.sources.records import read_file
from engine.sources.transcripts import read_transcripts
from engine.training.holdout import YEAST_CHROMOSOMES

logger = logging.getLogger(__name__)

CLASSES = (
    "stop_gained",
    "start_lost",
    "stop_lost",
    "missense_variant",
    NEUTRAL,
    "splice_acceptor_variant",
    "splice_donor_variant",
    "splice_region_variant",
    "intron_variant",
    "upstream_gene_variant",
    "intergenic_variant",
)
WITH_INTRONS = ("splice_acceptor_variant", "splice_donor_variant", "splice_region_variant", "intron_variant")
AROUND_BP = 60


ORGANISMS = ("Saccharomyces", "Escherichia", "Bacillus", "Bacteriophage")
"""How organisms of public assemblies begin that the table may be used for."""


@dataclass(frozen=True)
class HeldOut:
    """A genome that was held out: its files below ``genomes/``, and the contigs, all when there are none; ``accession`` for the record."""

    domain: str
    accession: str
    sequence: str
    annotation: str
    contigs: tuple[str, ...] = ()


GENOMES = (
    HeldOut(
        "bacteria",
        "Neisseria meningitidis MC58",
        "annotated/Neisseria_meningitidis_MC58.gb.gz",
        "annotated/Neisseria_meningitidis_MC58.gb.gz",
    ),
    HeldOut("phage", "lambda NC_001416", "annotated/phage_lambda_NC_001416.gbk.gz", "annotated/phage_lambda_NC_001416.gbk.gz"),
    HeldOut("phage", "T7 NC_001604", "annotated/phage_T7_NC_001604.gb.gz", "annotated/phage_T7_NC_001604.gb.gz"),
    HeldOut(
        "yeast",
        "S. cerevisiae R64 chromosomes XI and XIV",
        "yeast/S_cerevisiae_S288C_R64.fa.gz",
        "yeast/S_cerevisiae_S288C_R64.gff3.gz",
        YEAST_CHROMOSOMES,
    ),
)


def measure(data: Path, out: Path, model: str, window_bp: int, each: int, seed: int) -> dict[str, Any]:
    """Score ``each`` substitutions of every class, as many of each domain that has it, and write the table to ``out``."""
    engine, rng = Engine(Settings.from_environment(), keep_on_disk=False), np.random.default_rng(seed)
    rows: list[tuple[str, ScoredVariant]] = []
    weights = ""
    domains = list(dict.fromkeys(genome.domain for genome in GENOMES))
    shares = {name: each if name in WITH_INTRONS else -(-each // len(domains)) for name in CLASSES}
    missing = {(domain, name): 0 if name in WITH_INTRONS and domain != "yeast" else shares[name] for domain in domains for name in CLASSES}
    for place, genome in enumerate(GENOMES):
        later = sum(other.domain == genome.domain for other in GENOMES[place:])
        wanted = {name: -(-missing[genome.domain, name] // later) for name in CLASSES}
        with tempfile.TemporaryDirectory() as folder:
            reference = _reference(data / "genomes" / genome.sequence, Path(folder), engine.settings)
            transcripts = read_transcripts(data / "genomes" / genome.annotation)
            drawn = draw(reference, transcripts, genome.contigs, wanted, rng)
            for found in drawn:
                missing[genome.domain, found[0]] -= 1
            request = TriageRequest(tuple(one for _, one in drawn), reference, transcripts, model, TriageParameters(window_bp))
            scored = engine.run_triage(request, SilentMonitor())
            rows += [(genome.domain, row) for row in scored.rows]
            weights = scored.provenance.card.weights_sha256
        logger.info("%s: %s substitutions", genome.accession, len(drawn))
    table = {
        "model": model,
        "weights_sha256": weights,
        "window_bp": window_bp,
        "source": f"Substitutions in {', '.join(genome.accession for genome in GENOMES)}, none of which the model was trained on.",
        "organisms": list(ORGANISMS),
        "command": f"python -m engine.training classes --model {model} --each {each} --seed {seed} --window {window_bp}",
        "classes": by_class([row for _, row in rows], seed),
        "domains": {
            domain: {
                name: row.get("against_synonymous", {}) for name, row in by_class([one for own, one in rows if own == domain], seed).items()
            }
            for domain in domains
        },
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")
    return table


def _reference(path: Path, folder: Path, settings: Settings) -> ReferenceLetters:
    records = read_file(path.name, path.read_bytes(), OWN_FILES).records
    fasta = folder / "reference.fa"
    with fasta.open("w", encoding="utf-8") as handle:
        for record in records:
            handle.write(f">{record.name.split()[0]}\n{record.letters}\n")
    return ReferenceLetters.of_file(fasta, settings)


def draw(
    reference: ReferenceLetters,
    transcripts: Transcripts,
    contigs: tuple[str, ...],
    wanted: dict[str, int],
    rng: np.random.Generator,
) -> list[tuple[str, Variant]]:
    """Substitutions with their most severe consequence, each at most once, until every class has what is wanted or nothing more is found."""
    genes, lengths = Genes(reference, transcripts), reference.genomes.contigs(reference.assembly)
    inside = [one for one in transcripts if one.coding and not one.problem and (not contigs or one.exons[0].contig in contigs)]
    names = [name for name in lengths if not contigs or name in contigs]
    left, seen, found = dict(wanted), set(), []
    for contig, position in _places(inside, names, lengths, rng):
        if not any(left.values()):
            break
        letter = reference.letters(contig, position, position + 1) if 0 <= position < lengths.get(contig, 0) else "N"
        if letter not in "ACGT":
            continue
        alternate = "ACGT".replace(letter, "")[int(rng.integers(3))]
        variant = Variant(contig, position + 1, letter, alternate)
        if str(variant) in seen:
            continue
        seen.add(str(variant))
        consequences = genes.consequences(variant)
        name = consequences[0].term if consequences else "intergenic_variant"
        if left.get(name, 0) > 0:
            left[name] -= 1
            found.append((name, variant))
    return found


def _places(inside: list[Transcript], names: list[str], lengths: dict[str, int], rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    """Contigs and 0-based positions: codon ends and intron ends of every gene, then of genes and of contigs at random."""
    for number in rng.permutation(len(inside)):
        one = inside[int(number)]
        parts = one.coding
        edges = [parts[0].first, parts[-1].last, *(edge for part in parts for edge in (part.start, part.end))]
        for edge in edges:
            for offset in rng.permutation(np.arange(-8, 8))[:6]:
                yield parts[0].contig, edge + int(offset)
        for _ in range(24):
            part = parts[int(rng.integers(len(parts)))]
            yield part.contig, int(rng.integers(part.start - AROUND_BP, part.end + AROUND_BP))
        for before, after in zip(one.exons, one.exons[1:], strict=False):
            low, high = sorted((before.last, after.first))
            if high - low > 1:
                yield before.contig, int(rng.integers(low, high))
        contig = names[int(rng.integers(len(names)))]
        yield contig, int(rng.integers(lengths[contig]))


def by_class(rows: list[ScoredVariant], seed: int) -> dict[str, Any]:
    """Distribution of every score, and its AUROC against synonymous substitutions, by the most severe consequence."""
    values = {name: [row for row in rows if (row.consequence or "intergenic_variant") == name and row.llr is not None] for name in CLASSES}
    neutral = values[NEUTRAL]
    found: dict[str, Any] = {}
    for name, own in values.items():
        if not own:
            continue
        scores = {score: np.array([getattr(row, score) for row in own], dtype=np.float64) for score in SCORES}
        grid = np.linspace(0, 1, 101)
        found[name] = {
            "count": len(own),
            "quantiles": {score: [round(float(value), 5) for value in np.quantile(array, grid)] for score, array in scores.items()},
        }
        if name != NEUTRAL and len(neutral) > 1 and len(own) > 1:
            found[name]["against_synonymous"] = {score: _against(own, neutral, score, seed) for score in SCORES}
    return found


def _against(own: list[ScoredVariant], neutral: list[ScoredVariant], score: str, seed: int) -> dict[str, Any]:
    sign = -1.0 if score == "llr" else 1.0
    values = sign * np.array([getattr(row, score) for row in (*own, *neutral)], dtype=np.float64)
    truth = np.arange(len(values)) < len(own)
    found = estimate(auroc, values, truth, replicates=1000, seed=seed)
    return {
        "auroc": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "count": len(own),
        "neutral": len(neutral),
    }
