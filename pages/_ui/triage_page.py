"""The page of triage: a VCF and its reference in, a ranked table out, each row a way into the explorer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from engine.core.card import Capability
from engine.core.errors import Cancelled, InputError, LocuscopeError, ResourceExhausted
from engine.core.quoting import file_name
from engine.core.transcripts import Transcripts
from engine.core.variants import ScoredVariant, Triage, TriageParameters
from engine.exports.triage_files import FORMATS, TriageFormat
from engine.service.jobs import Job
from engine.service.triage import ReferenceLetters, TriageRequest
from engine.service.visitor_files import VisitorFolder
from engine.sources import apart
from engine.sources.door import GZIP_MAGIC
from engine.sources.genetic_codes import given_codes
from engine.sources.vcf import open_vcf
from pages._ui import polling, reading, search, state
from pages._ui.address import AddressState
from pages._ui.question import Question
from pages._ui.text import plain, show_caption, show_error

CONTEXT_BP = 150
READING = "triage"
OWN = "a FASTA file of mine"
EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples"
EXAMPLE_HELP = (
    "Promoter and first 260 codons of lacZ of E. coli, with the two promoter substitutions of lacUV5 and constructed ones: "
    "a lost start codon, six stop codons (*), six synonymous ones (=)."
)

CODES_HELP = (
    "NCBI tables of contigs whose annotation states none, as CONTIG=TABLE with commas, or TABLE alone for all that are neither mitochondria "
    "nor plastids. Without it the usual one of the organism is taken, where the annotation names it."
)


@dataclass(frozen=True)
class Given:
    """A file by its name and bytes."""

    name: str
    content: bytes

    @classmethod
    def of_upload(cls, upload: Any) -> Given | None:
        """What Streamlit received, None for nothing. Raises `ResourceExhausted` when the visitor has uploaded too much."""
        return None if upload is None else cls(upload.name, state.uploaded(upload, upload.name))

    @classmethod
    def of_path(cls, path: Path) -> Given:
        """A file of this machine."""
        return cls(path.name, path.read_bytes())


@dataclass
class Desk:
    """One visitor's triage: the request, its job, the VCF it came from, and the folder of an uploaded reference."""

    job: Job
    request: TriageRequest
    given: Given
    folder: VisitorFolder | None = field(default=None, repr=False)


def page() -> None:
    """Draw the page."""
    shared = state.shared()
    st.subheader("Triage of variants", anchor=False)
    st.caption(
        "Each substitution is scored in a window of the reference around it: the log-likelihood ratio of the alternate against the reference "
        "(negative: the model finds it unlikely) and the influence on all other bases of the window. Rank, do not threshold: 1 is the least "
        "expected. Other kinds of variants are listed and said not to be scored, unless the model can."
    )
    with st.form("triage"):
        left, middle, right = st.columns([3, 3, 2])
        variants = left.file_uploader("Variants: VCF, also .vcf.gz and .vcf.bgz", key="triage-vcf")
        names = [*shared.genomes.names(), OWN]
        assembly = middle.selectbox("Reference", names, help="Assemblies are registered with the setting LOCUSCOPE_GENOMES.")
        fasta = middle.file_uploader("FASTA of the reference (only without a registered one)", key="triage-fasta")
        model = right.selectbox("Model", _models(shared), format_func=lambda key: shared.engine.model(key).card.title)
        window = right.number_input("Window, bases", 3, 20_000, 512, step=64)
        stated = right.text_input("Genetic codes", placeholder="chrMT=3", help=CODES_HELP)
        with st.container(horizontal=True):
            asked = st.form_submit_button("Rank the variants", type="primary")
            example = st.form_submit_button("Example: substitutions in lacZ", help=EXAMPLE_HELP)
    if example:
        _start(shared, Given.of_path(EXAMPLE / "lacz-variants.vcf"), OWN, Given.of_path(EXAMPLE / "lacz.fa"), model, int(window))
    elif asked:
        try:
            _start(shared, Given.of_upload(variants), assembly, Given.of_upload(fasta), model, int(window), stated)
        except ResourceExhausted as error:
            show_error(str(error))
    reading.show(shared.engine, READING)
    desk: Desk | None = st.session_state.get("triage-desk")
    if desk is not None:
        _follow(shared, desk)


def _models(shared: state.Shared) -> list[str]:
    rows = shared.engine.models_for("effects")
    usable = [row.card.id for row, why in rows if not why and row.card.can(Capability.EFFECTS)]
    usual = shared.settings.model
    return sorted(usable, key=lambda key: key != usual)


def _start(
    shared: state.Shared,
    variants: Given | None,
    assembly: str,
    fasta: Given | None,
    model: str | None,
    window: int,
    stated: str = "",
) -> None:
    if variants is None:
        st.error("No VCF was given; choose a file first.")
        return
    before: Desk | None = st.session_state.pop("triage-desk", None)
    if before is not None:
        before.job.cancel()
    visitor = state.session().visitor

    def work(monitor: reading.Reading) -> tuple[TriageRequest, VisitorFolder | None]:
        found = apart.read_variants(variants.name, variants.content, shared.settings, monitor)
        reference, folder = _reference(shared, assembly, fasta, monitor, visitor)
        transcripts = reference.transcripts(given_codes([stated])) if assembly != OWN else Transcripts()
        return TriageRequest(found, reference, transcripts, model or "", TriageParameters(window)), folder

    def then(found: tuple[TriageRequest, VisitorFolder | None]) -> None:
        try:
            job = shared.engine.submit_triage(found[0], visitor)
        except LocuscopeError as error:
            show_error(str(error))
            return
        st.session_state["triage-desk"] = Desk(job, found[0], variants, found[1])

    reading.begin(READING, file_name(variants.name), work, then, show_error)


def _reference(
    shared: state.Shared, assembly: str, fasta: Given | None, monitor: reading.Reading, visitor: str
) -> tuple[ReferenceLetters, VisitorFolder | None]:
    if assembly != OWN:
        return ReferenceLetters(shared.genomes, assembly), None
    if fasta is None:
        raise InputError("No reference was given; choose its FASTA file, or a registered assembly.")
    folder = VisitorFolder(shared.settings)
    if not shared.engine.jobs.close_with(visitor, folder):
        raise Cancelled(reading.STOPPED)
    path = folder.write("reference.fa.gz" if fasta.content.startswith(GZIP_MAGIC) else "reference.fa", fasta.content)
    own = replace(shared.settings, home=folder.path)
    apart.prepare_reference(path, own, monitor)
    return ReferenceLetters.of_file(path, own), folder


def _follow(shared: state.Shared, desk: Desk) -> None:
    if not desk.job.finished:
        polling.follow(shared.engine, True, _progress, desk.job)
        return
    if desk.job.state == "cancelled":
        st.info("The triage was cancelled; nothing is ranked.")
    elif desk.job.error is not None:
        show_error(str(desk.job.error))
    elif isinstance(desk.job.result, Triage):
        _ranked(shared, desk, desk.job.result)


def _progress(job: Job) -> None:
    if job.finished:
        st.rerun()
    total = max(1, job.total)
    left = f", about {job.seconds_left:.0f} s left" if job.seconds_left else ""
    st.progress(min(1.0, job.done / total), text=f"{job.done:,} of {job.total:,} {job.unit or job.stage}{left}")
    if st.button("Cancel", key="triage-cancel"):
        job.cancel()


def _ranked(shared: state.Shared, desk: Desk, found: Triage) -> None:
    frame = table(found)
    counts = frame["status"].value_counts()
    words = ", ".join(f"{count:,} {str(name).replace('_', ' ')}" for name, count in counts.items())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(frame):,} alternate alleles**: {words}")
        for item in FORMATS:
            name = f"triage{item.suffix}"
            st.download_button(item.suffix, data=partial(_file, found, desk, item), file_name=name, on_click="ignore", help=item.title)
    picked = st.dataframe(
        frame.drop(columns="row"), hide_index=True, on_select="rerun", selection_mode="single-row", key="triage-table", height=420
    )
    rows = picked.selection.rows
    if rows:
        _card(shared, desk, found.rows[int(frame.iloc[rows[0]]["row"])])
    else:
        st.caption("Choose a row for its details and to open its place in the explorer.")


def table(found: Triage) -> pd.DataFrame:
    """The ranked table, least expected first; ``row`` is the index in ``found.rows``."""
    ranks = found.ranks()
    frame = pd.DataFrame(
        {
            "rank": pd.array([ranks[index] for index in range(len(ranks))], dtype="Int64"),
            "contig": [row.variant.contig for row in found.rows],
            "position": [row.variant.position for row in found.rows],
            "id": [row.variant.identifier for row in found.rows],
            "ref": [row.variant.reference for row in found.rows],
            "alt": [row.variant.alternate for row in found.rows],
            "llr": [row.llr for row in found.rows],
            "influence": [row.influence for row in found.rows],
            "Δ ln P": [row.delta_log_likelihood for row in found.rows],
            "Δ ln P a base": [row.mean_delta_log_likelihood for row in found.rows],
            "ranked with": [row.ranked_with for row in found.rows],
            "consequence": [row.consequence for row in found.rows],
            "impact": [row.consequences[0].impact if row.consequences else "" for row in found.rows],
            "gene": [row.gene for row in found.rows],
            "transcript": [row.consequences[0].transcript if row.consequences else "" for row in found.rows],
            "HGVS c.": [row.consequences[0].hgvs_c if row.consequences else "" for row in found.rows],
            "HGVS p.": [row.consequences[0].hgvs_p if row.consequences else "" for row in found.rows],
            "status": [row.status for row in found.rows],
            "note": [row.note for row in found.rows],
            "row": range(len(found.rows)),
        }
    )
    optional = ("llr", "influence", "Δ ln P", "Δ ln P a base", "consequence", "impact", "gene", "transcript", "HGVS c.", "HGVS p.")
    empty = [name for name in optional if frame[name].isna().all() or (frame[name] == "").all()]
    if frame["ranked with"].nunique() < 2:
        empty.append("ranked with")
    order = frame.assign(known=frame["rank"].isna()).sort_values(["known", "ranked with", "rank"], key=_in_order, kind="stable")
    return order.drop(columns=[*empty, "known"]).reset_index(drop=True)


def _in_order(column: pd.Series) -> pd.Series:
    """Substitutions of one base first, then several bases, then insertions and deletions."""
    return column.map({"substitutions": 0, "several bases": 1, "indels": 2}) if column.name == "ranked with" else column


def _card(shared: state.Shared, desk: Desk, row: ScoredVariant) -> None:
    variant = row.variant
    with st.container(border=True):
        st.markdown(f"**{plain(str(variant))}** {plain(row.consequence)} {plain(row.gene)}")
        if row.note:
            show_caption(row.note)
        if row.consequences:
            st.dataframe(consequences(row), hide_index=True)
        if row.status == "outside":
            return
        left, right = st.columns([1, 1])
        if left.button("Open its place in the explorer", type="primary"):
            _open(shared, desk, row)
        right.caption(f"{2 * CONTEXT_BP + len(variant.reference):,} bases around it, with its base selected.")


def consequences(row: ScoredVariant) -> pd.DataFrame:
    """What a variant does to each transcript, the most severe first."""
    return pd.DataFrame(
        {
            "gene": [item.gene for item in row.consequences],
            "transcript": [item.transcript for item in row.consequences],
            "consequence": [", ".join(item.terms) for item in row.consequences],
            "impact": [item.impact for item in row.consequences],
            "HGVS c.": [item.hgvs_c for item in row.consequences],
            "HGVS p.": [item.hgvs_p for item in row.consequences],
            "genetic code": [str(item.genetic_code or "") for item in row.consequences],
            "note": [item.note for item in row.consequences],
        }
    )


def _open(shared: state.Shared, desk: Desk, row: ScoredVariant) -> None:
    """Show the variant's surroundings in the explorer, its first base selected."""
    session, variant = state.session(), row.variant
    reference = desk.request.reference
    first = variant.position - 1
    piece = reference.piece(variant.contig, first, first + len(variant.reference))
    if piece is None:
        return
    start = max(piece.offset, first - CONTEXT_BP)
    end = min(piece.offset + piece.length, first + len(variant.reference) + CONTEXT_BP)
    try:
        registered = reference.assembly in shared.genomes.names()
        place = f"{reference.assembly}:{piece.record}:{start - piece.offset + 1}-{end - piece.offset}"
        text = place if registered else f">{piece.contig}:{start + 1}-{end}\n{reference.letters(variant.contig, start, end)}"
    except LocuscopeError as error:
        show_error(str(error))
        return
    session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
    search.ask(shared, session, Question(text, desk.request.model or shared.settings.model))
    session.focus(first - start)
    st.switch_page("pages/explorer.py")


def _file(found: Triage, desk: Desk, item: TriageFormat) -> bytes:
    with tempfile.TemporaryDirectory() as folder, open_vcf(desk.given.content, desk.given.name) as source:
        path = Path(folder) / f"triage{item.suffix}"
        item.write(found, source, path)
        return path.read_bytes()
