"""Command line of the training: corpus, labels, train, memory, segmenter, classes, publish, evaluate."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from engine.core.errors import LocuscopeError, ParameterError
from engine.core.evaluation import PARTS

MODELS = Path("assets/models")
EVALUATION = MODELS / "evaluation.json"


def _corpus(options: argparse.Namespace) -> None:
    from engine.training.corpus import build

    build(options.data, options.letters, options.bytes_in).save(options.out)


def _labels(options: argparse.Namespace) -> None:
    from engine.training import find_labels
    from engine.training.corpus import Corpus
    from engine.training.labels import beside

    annotations = {name: Path(path) for name, path in options.annotation}
    find_labels.make(options.data, Corpus.load(options.corpus), annotations).save(beside(options.corpus))


def _train(options: argparse.Namespace) -> None:
    from engine.models.locuscope.network import NetConfig
    from engine.training.plan import TrainPlan
    from engine.training.train import train

    config = NetConfig(width=options.width, layers=options.layers, heads=options.heads, hidden=options.hidden,
                       windows=tuple(options.windows), reader=options.reader if options.windows else 0,
                       frames=options.frames and bool(options.windows))  # fmt: skip
    plan = TrainPlan(minutes=options.minutes, steps=options.steps, tokens=options.tokens, accumulate=options.accumulate, rate=options.rate,
                     matrix_rate=options.rate, seed=options.seed, learn=tuple(options.learn), bucket=options.bucket, compiled=options.compiled, light=options.light,
                     imitate=options.imitate if options.teacher else 0.0, hold_votes=options.hold_votes, window=options.window,
                     labels=options.labels, codons=options.codons, spelling=options.spelling)  # fmt: skip
    if options.spelling != 1 and options.start is None:
        raise ParameterError(
            f"--spelling {options.spelling:g} makes the votes of a model to start from louder; name it with --start DIR, too"
        )
    if options.dna is not None:
        plan = replace(plan, dna_first=options.dna, dna_later=options.dna)
    train(options.corpus, config, plan, options.out, options.workers, options.device, options.start, options.teacher)


def _segmenter(options: argparse.Namespace) -> None:
    from engine.training.segmenter import SegmenterPlan, train_segmenter

    plan = SegmenterPlan(minutes=options.minutes, rows=options.rows, rate=options.rate, seed=options.seed)
    train_segmenter(options.data, options.language_model, plan, options.out, options.workers, options.device, options.start)


def _memory(options: argparse.Namespace) -> None:
    from engine.training.memory import remember

    remember(options.corpus, options.start, options.out, options.rnas, options.seed)


def _publish(options: argparse.Namespace) -> None:
    from engine.training.publish import publish, run_summary

    card = {"id": options.target.name, "revision": options.revision, "note": options.note, "run": run_summary(options.run)}
    publish(options.run / "average", options.target, card)


def _evaluate(options: argparse.Namespace) -> None:
    from engine.training.evaluate import LANGUAGE, EvaluationPlan, evaluate
    from engine.training.tables import insert, markdown, summary

    plan = EvaluationPlan(options.maps, options.pieces, options.windows, options.rnas, options.genes, options.bases,
                          tuple(options.parts), language=options.language)  # fmt: skip
    out: Path = options.out or (EVALUATION if options.language == LANGUAGE else MODELS / options.language / EVALUATION.name)
    held = evaluate(options.models, options.corpus, options.data, out, plan)
    tables = markdown(held)
    out.with_suffix(".md").write_text(tables, encoding="utf-8")
    pages = {out.with_name("README.md"): tables}
    if out == EVALUATION:
        pages[Path("README.md")] = summary(held)
    for page, text in pages.items():
        if page.is_file():
            page.write_text(insert(page.read_text(encoding="utf-8"), text), encoding="utf-8")


def _classes(options: argparse.Namespace) -> None:
    from engine.core.calibration import FOLDER
    from engine.training.measure_classes import measure

    measure(options.data, options.out or FOLDER / f"{options.model}.json", options.model, options.window, options.each, options.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.training", description=__doc__)
    commands = parser.add_subparsers(required=True)

    corpus = commands.add_parser("corpus", help="pack genomes and seed RNAs into one file")
    corpus.set_defaults(work=_corpus)
    corpus.add_argument("--data", type=Path, required=True, help="folder with genomes/ and rna/")
    corpus.add_argument("--out", type=Path, required=True, help="npz file to write")
    corpus.add_argument("--letters", type=int, default=200_000_000, help="most letters of DNA")

    corpus.add_argument(
        "--bytes-in", type=int, default=0, metavar="BYTES", help="most bytes of the packed file; genomes are thinned to fit"
    )

    labels = commands.add_parser("labels", help="find genes and their sites in a packed corpus, for train --labels; written beside it")
    labels.set_defaults(work=_labels)
    labels.add_argument("--data", type=Path, required=True, help="folder with genomes/")
    labels.add_argument("--corpus", type=Path, required=True, help="npz file of the corpus")
    labels.add_argument(
        "--annotation",
        nargs=2,
        action="append",
        default=[],
        metavar=("GENOME", "GFF"),
        help="gzipped GFF3 of a yeast genome, such as S_pombe_ASM294v2 GCF_000002945.2_ASM294v3_genomic.gff.gz (default: GENOME.gff3.gz beside it)",
    )

    train = commands.add_parser("train", help="train the language model, or go on with a run in --out")
    train.set_defaults(work=_train)
    train.add_argument("--corpus", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True, help="folder of the run")
    for name, value in (("width", 192), ("layers", 6), ("heads", 4), ("hidden", 640), ("tokens", 4096), ("accumulate", 1)):
        train.add_argument(f"--{name}", type=int, default=value)
    train.add_argument(
        "--start",
        type=Path,
        help="model directory to start from, such as assets/models/locuscope-lm (its sizes, or more layers or hidden units)",
    )
    train.add_argument(
        "--windows",
        type=int,
        nargs="+",
        default=[],
        metavar="BASES",
        help="a local network: bases to either side that each layer's attention reaches, such as 10 14 18 20 22 24 (default: all)",
    )
    train.add_argument("--reader", type=int, default=192, help="of a local network: hidden units that read the stem layer")
    train.add_argument("--frames", action="store_true", help="of a local network: they hear of the codon layer's reading frames, too")
    train.add_argument("--teacher", type=Path, help="model directory to distil, such as assets/models/locuscope-lm")
    train.add_argument("--imitate", type=float, default=1.0, help="weight of what the teacher says")
    train.add_argument("--dna", type=float, metavar="SHARE", help="share of genome batches all along (default: 0.25, then 0.3)")
    train.add_argument("--window", type=int, default=0, metavar="BASES", help="of genome windows: 255, 511 or 1023 (default: all three)")
    train.add_argument(
        "--labels", type=float, default=0.0, metavar="WEIGHT", help="of the loss on the labels beside the corpus (default: none)"
    )
    train.add_argument(
        "--codons", type=float, default=0.05, metavar="SHARE", help="with --labels: codons masked whole, to tell the amino acid"
    )
    train.add_argument(
        "--spelling",
        type=float,
        default=1.0,
        metavar="TIMES",
        help="with --start: how much louder than there the codon layer's votes begin",
    )
    train.add_argument("--hold-votes", action="store_true", help="the head keeps how loud the layers' votes are")
    train.add_argument("--steps", type=int, default=10**9)
    train.add_argument("--bucket", type=int, default=1, help="rows have a multiple of so many tokens: 32 for a GPU, which likes few shapes")
    train.add_argument("--compiled", action="store_true", help="the blocks by torch's compiler")
    train.add_argument("--light", action="store_true", help="checkpoints without the optimisers' state, half as large")
    train.add_argument(
        "--learn",
        nargs="+",
        default=[],
        metavar="PART",
        help="parameters that learn, by how their names begin: stem codons blocks (default: all)",
    )

    segmenter = commands.add_parser("segmenter", help="train the segmentation head on a language model")
    segmenter.set_defaults(work=_segmenter)
    segmenter.add_argument("--data", type=Path, required=True)
    segmenter.add_argument("--language-model", type=Path, default=MODELS / "locuscope-lm")
    segmenter.add_argument("--out", type=Path, required=True, help="folder of the run")
    segmenter.add_argument("--start", type=Path, help="model directory whose head to start from, such as assets/models/locuscope-segmenter")
    segmenter.add_argument("--rows", type=int, default=8, help="windows a step and process")
    for command, minutes, rate in ((train, 60.0, 3e-3), (segmenter, 25.0, 2e-3)):
        command.add_argument("--minutes", type=float, default=minutes, help="rates decay to zero at this time")
        command.add_argument("--rate", type=float, default=rate)
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--workers", type=int, default=2, help="processes of one thread each (CPU)")
        command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))

    classes = commands.add_parser("classes", help="measure a model's variant scores by consequence class, on held-out genomes")
    classes.set_defaults(work=_classes)
    classes.add_argument("--data", type=Path, required=True, help="folder with genomes/")
    classes.add_argument("--out", type=Path, help="JSON file (default: that of the model in assets/calibration)")
    classes.add_argument("--model", default="locuscope")
    classes.add_argument("--window", type=int, default=512)
    classes.add_argument("--each", type=int, default=240, help="substitutions of every class, shared by the domains that have it")
    classes.add_argument("--seed", type=int, default=16)

    memory = commands.add_parser("memory", help="give a language model a memory of the training RNAs")
    memory.set_defaults(work=_memory)
    memory.add_argument("--corpus", type=Path, required=True)
    memory.add_argument("--start", type=Path, required=True, help="model directory, such as average/ of a run")
    memory.add_argument("--out", type=Path, required=True, help="folder for the model with its memory, to publish from")
    memory.add_argument("--rnas", type=int, default=5000, help="training RNAs that the scores are fitted on")
    memory.add_argument("--seed", type=int, default=1)

    publish = commands.add_parser("publish", help="write the average of a run as a shipped model")
    publish.set_defaults(work=_publish)
    publish.add_argument("--run", type=Path, required=True)
    publish.add_argument("--target", type=Path, required=True, help="such as assets/models/locuscope-lm")
    publish.add_argument("--revision", required=True, help="what the card says: a new number for new weights")
    publish.add_argument("--note", default="")

    evaluate = commands.add_parser("evaluate", help="measure the shipped models beside their baselines")
    evaluate.set_defaults(work=_evaluate)
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--corpus", type=Path, required=True)
    evaluate.add_argument("--models", type=Path, default=MODELS)
    evaluate.add_argument(
        "--language", default="locuscope-lm", choices=("locuscope-lm", "locuscope-local"), help="folder of the language model"
    )
    evaluate.add_argument("--out", type=Path, help="JSON file that parts are written into (default: that of the language model)")
    evaluate.add_argument("--maps", type=Path, default=Path("runs/maps"), help="folder that keeps the maps of RNAs, so that a run goes on")
    evaluate.add_argument(
        "--pieces", type=Path, default=Path("runs/pieces"), help="folder that keeps what is finished, so that a run goes on"
    )
    for name, value in (("windows", 60), ("rnas", 60), ("genes", 40), ("bases", 200_000)):
        evaluate.add_argument(f"--{name}", type=int, default=value)
    evaluate.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0, or 2 with one sentence for what cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _parser().parse_args(arguments)
    try:
        options.work(options)
    except (LocuscopeError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
