"""The page of triage: variants and their reference in, a ranked table out, each row with its reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from engine.core.card import Capability
from engine.core.errors import Cancelled, InputError, LocuscopeError
from engine.core.quoting import file_name
from engine.core.transcripts import Transcripts
from engine.core.variants import Triage, TriageParameters
from engine.service import clinvar
from engine.service.jobs import Job
from engine.service.proteins import TABLE, has_table
from engine.service.triage import ReferenceLetters, TriageRequest, other_reference
from engine.service.triage_stream import Stream, keeps_unfinished
from engine.service.variant_list import read_variant_list
from engine.service.visitor_files import VisitorFolder
from engine.sources import apart
from engine.sources.assemblies import assemblies
from engine.sources.clinvar import TERMS
from engine.sources.door import GZIP_MAGIC, Bounds
from engine.sources.genetic_codes import given_codes
from engine.sources.transcripts import read_transcripts
from engine.sources.triage_examples import TriageExample
from pages._ui import address_bar, choices, polling, reading, state, triage_again, triage_desk, triage_examples, triage_results
from pages._ui.buttons import button
from pages._ui.given_last import given_last
from pages._ui.kept_choice import kept, kept_choice
from pages._ui.kept_file import KeptFile, kept_file
from pages._ui.text import plain, show_error
from pages._ui.triage_again import LEAST_WINDOW, MOST_WINDOW, USUAL_WINDOW, Again
from pages._ui.triage_desk import Desk

READING = "triage"
OWN = "a FASTA file of mine"
UNKNOWN = "not said"
SPLICE_MODEL = "cispliceai"
CODES_HELP = (
    "NCBI tables of contigs whose annotation states none, as CONTIG=TABLE with commas, or TABLE alone for all that are neither mitochondria "
    "nor plastids. Without it the usual one of the organism is taken, where the annotation names it."
)
LIST_HELP = (
    "One variant a line in any spelling of the explorer's box: chr17-43094464-A-G, 17:43,094,464 A>G, chrI:g.20_22del, a row of a VCF; "
    "GENE:c.10+1G>T where gene models are registered with the reference, or given with it."
)
PUBLIC_HELP = "For the other names of its contigs, for links to public sites, and for the genes that come with CI-SpliceAI."
LONGEST_LIST = 2_000_000
"""Characters of a pasted list; longer ones come as a file."""


@dataclass(frozen=True)
class Given:
    """A file by its name and bytes."""

    name: str
    content: bytes

    @classmethod
    def of_path(cls, path: Path) -> Given:
        """A file of this machine."""
        return cls(path.name, path.read_bytes())


@dataclass(frozen=True)
class Asked:
    """What the form holds.

    ``variants`` or a pasted ``text``; ``assembly`` a registered one, or `OWN` with ``fasta`` and perhaps ``genes``; ``public`` the public
    assembly it is; ``codes`` genetic codes as typed.
    """

    variants: Given | None
    text: str
    assembly: str
    fasta: Given | None
    genes: Given | None
    public: str
    model: str
    window: int
    influence: bool
    splice: bool
    missense: bool
    clinvar: bool
    codes: str

    @property
    def known_as(self) -> str:
        """The public assembly; empty when nobody said."""
        return self.public if self.assembly == OWN else self.assembly


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Triage of variants", anchor=False)
    st.caption(
        "Each variant is scored in a window of the reference around it: the log-likelihood ratio of the alternate against the reference "
        "(negative: the model finds it unlikely) and the influence on all other bases of the window; indels by what kind of model there is. "
        "Rank, do not threshold."
    )
    if triage_again.waits(shared, session):
        return
    again = triage_again.begins(shared, session)
    told = st.container()
    asked = _form(shared)
    example = triage_examples.chosen()
    if example is not None:
        _start(shared, _of_example(example, asked, not _no_splice(shared)))
    elif asked is not None and asked[0]:
        _start(shared, asked[1])
    elif asked is not None and again is not None and again.text:
        _start(shared, replace(asked[1], text=again.text), again)
    with told:
        triage_again.show()
    reading.show(shared.engine, READING)
    desk = triage_desk.of_session()
    if desk is not None:
        _follow(shared, desk)
    address_bar.write("triage", triage_again.texts(session))


def _form(shared: state.Shared) -> tuple[bool, Asked] | None:
    """What is to be ranked and how, and whether the button was pressed; None where no model is here.

    It is no form of Streamlit's: what was typed in one is known only when it is sent, and here it stays while other pages are open.
    """
    models = _models(shared)
    if not models:
        st.info("No model that scores variants is here; the page Models has them.")
        return None
    with st.container(border=True, key="triage"):
        left, middle, right = st.columns([3, 3, 2])
        with left:
            variants = _file(shared, "Variants: VCF, also .vcf.gz and .vcf.bgz, or BCF", "triage-vcf")
            start, holds = kept("triage-list", "")
            text = st.text_area("or a list, one variant a line", start, height=98, max_chars=LONGEST_LIST, help=LIST_HELP, **holds)
        with middle:
            names = [*shared.genomes.names(), OWN]
            note = "Assemblies are registered with the setting LOCUSCOPE_GENOMES."
            assembly = kept_choice("Reference", names, names[0], "triage-assembly", help=note, format_func=partial(_title, shared))
            fasta = _file(shared, "FASTA of the reference (only without a registered one)", "triage-fasta")
        with right:
            model = kept_choice("Model", models, models[0], "triage-model", format_func=choices.titles(shared.engine))
            bases, holds = kept("triage-window", USUAL_WINDOW)
            window = st.number_input("Window, bases", LEAST_WINDOW, MOST_WINDOW, bases, step=64, **holds)
            influence = _switch("Influence, too", "triage-influence", True, "Without it a substitution takes one pass of three.")
        with st.expander("Gene models, splice sites, what the reference is"):
            genes, chosen = _further(shared)
        files = (variants, fasta, genes)
        unread = any(item is not None and item.found is None for item in files)
        sent = button("Rank the variants", key="triage-rank", type="primary", disabled=unread)
    known, splice, missense, clinical, stated = chosen
    further = ("" if known == UNKNOWN else known, model, int(window), influence, splice, missense, clinical, stated)
    if sent:
        try:
            again = triage_again.of_session()
            kind = given_last("triage", variants, text, again.text if again is not None else "")
            given, letters, models_of_genes = (item.found if item is not None else None for item in files)
            return True, Asked(given if kind == "file" else None, text, assembly, letters, models_of_genes, *further)
        except LocuscopeError as error:
            show_error(str(error))
    return False, Asked(None, "", assembly, None, None, *further)


def _further(shared: state.Shared) -> tuple[KeptFile[Given] | None, tuple[str, bool, bool, bool, str]]:
    """Gene models; what the reference is, splice sites, AlphaMissense, ClinVar, and genetic codes as typed."""
    one, two, three = st.columns([3, 3, 2])
    with one:
        genes = _file(shared, "Gene models of my FASTA: GFF3, GTF or GenBank", "triage-genes")
    with two:
        start, holds = kept("triage-codes", "")
        stated = st.text_input("Genetic codes", start, placeholder="chrMT=3", help=CODES_HELP, **holds)
        public = [UNKNOWN, *(row.name for row in assemblies())]
        known = kept_choice("My FASTA is", public, UNKNOWN, "triage-public", help=PUBLIC_HELP)
    with three:
        why_not = _no_splice(shared)
        note = "Human splice sites gained and lost, by the gene models, else by the genes of GRCh37 or GRCh38."
        splice = _switch("Splice sites by CI-SpliceAI", "triage-splice", False, note, why_not)
        no_table = shared.engine.model(TABLE).why_not
        note = "Published scores of human missense substitutions, where the reference is GRCh38 or GRCh37."
        missense = _switch("AlphaMissense", "triage-missense", not no_table, note, no_table)
        no_file = "" if shared.settings.clinvar else "Whoever runs this server has registered no ClinVar file (LOCUSCOPE_CLINVAR)."
        note = f"Classifications of the very alleles, from the file of the reference's assembly. {TERMS}"
        clinical = _switch("ClinVar", "triage-clinvar", not no_file, note, no_file)
    return genes, (known, splice, missense, clinical, stated)


def _file(shared: state.Shared, title: str, key: str) -> KeptFile[Given] | None:
    """A file of the form."""
    return kept_file(shared, title, key, lambda name, content, _: Given(name, content))


def _switch(label: str, key: str, usual: bool, help: str, why_not: str = "") -> bool:
    """A box of the form, with what it is good for, or why it cannot be ticked."""
    on, holds = kept(key, usual)
    return st.checkbox(label, on, help=plain(why_not) or help, disabled=bool(why_not), **holds)


def _no_splice(shared: state.Shared) -> str:
    """Why splice sites cannot be asked for; empty when they can."""
    row = shared.engine.model(SPLICE_MODEL)
    return "" if row.installed else row.why_not


def _title(shared: state.Shared, name: str) -> str:
    """A reference as the form offers it."""
    return OWN if name == OWN else shared.genomes.words_for(name)


def _models(shared: state.Shared) -> list[str]:
    usable = [row.card.id for row in shared.engine.models_that_can(Capability.EFFECTS)]
    usual = shared.settings.model
    return sorted(usable, key=lambda key: key != usual)


def _of_example(item: TriageExample, asked: tuple[bool, Asked] | None, splice: bool) -> Asked:
    """An example with the model and the window that are chosen now; human ones with splice sites where their model is here."""
    model, window, influence = (asked[1].model, asked[1].window, asked[1].influence) if asked is not None else ("", USUAL_WINDOW, True)
    variants = None if item.text else Given.of_path(item.variants)
    files = (variants, item.text, OWN, Given.of_path(item.reference), Given.of_path(item.genes))
    tables = (asked[1].missense, asked[1].clinvar) if asked is not None else (False, False)
    return Asked(*files, item.assembly, model, window, influence, splice and bool(item.assembly), *tables, "")


def _start(shared: state.Shared, asked: Asked, again: Again | None = None) -> None:
    """Rank what is asked; ``again`` where that is the row of an address."""
    if asked.variants is None and not asked.text.strip():
        largest = shared.settings.max_upload_bytes // 1_000_000
        st.error(
            f"No variants were given; choose a file of up to {largest:,} MB (a larger one is marked red and not taken: the command triage reads "
            "any), or write one variant a line."
        )
        return
    triage_again.tell(again)
    before: Desk | None = st.session_state.pop(triage_desk.SLOT, None)
    if before is not None:
        before.job.cancel()
    visitor = state.session().visitor

    notes = list[str]()

    def work(monitor: reading.Reading) -> tuple[TriageRequest, VisitorFolder | None, Given]:
        reference, folder = _reference(shared, asked, monitor, visitor)
        if asked.variants is not None:
            given = asked.variants
            found = apart.read_variants(given.name, given.content, shared.settings, monitor, notes)
        else:
            listed = read_variant_list(asked.text, reference, Bounds.of(shared.settings))
            given, found = Given("list.vcf", listed.vcf), listed.variants
        notes.append(other_reference(found, reference))
        transcripts = _transcripts(asked, reference)
        parameters = TriageParameters(asked.window, asked.influence)
        splice = SPLICE_MODEL if asked.splice else ""
        request = TriageRequest(found, reference, transcripts, asked.model, parameters, splice=splice, assembly=asked.known_as)
        request = replace(request, missense=TABLE) if asked.missense and has_table(shared.engine, asked.known_as) else request
        if asked.clinvar:
            request = replace(request, clinvar=clinvar.registered(shared.settings, asked.known_as))
        return request, folder, given

    def then(found: tuple[TriageRequest, VisitorFolder | None, Given]) -> None:
        request, folder, given = found
        try:
            stream = Stream(lambda: request.variants, request.count, hashlib.sha256(given.content).hexdigest(), request)
            job = shared.engine.submit_stream(stream, visitor)
            doubt = shared.engine.doubt(request.model)
        except LocuscopeError as error:
            show_error(str(error))
            return
        told = tuple(note for note in (doubt, *notes, *request.transcripts.notes) if note)
        st.session_state[triage_desk.SLOT] = Desk(job, request, given.name, given.content, folder, assembly=asked.known_as, notes=told)

    name = file_name(asked.variants.name) if asked.variants is not None else "the list"
    reading.begin(READING, name, work, then, show_error)


def _reference(shared: state.Shared, asked: Asked, monitor: reading.Reading, visitor: str) -> tuple[ReferenceLetters, VisitorFolder | None]:
    if asked.assembly != OWN:
        return ReferenceLetters(shared.genomes, asked.assembly), None
    if asked.fasta is None:
        raise InputError("No reference was given; choose its FASTA file, or a registered assembly.")
    folder = VisitorFolder(shared.settings)
    if not shared.engine.jobs.close_with(visitor, folder):
        raise Cancelled(reading.STOPPED)
    path = folder.write("reference.fa.gz" if asked.fasta.content.startswith(GZIP_MAGIC) else "reference.fa", asked.fasta.content)
    own = replace(shared.settings, home=folder.path)
    apart.prepare_reference(path, own, monitor)
    genes = None
    if asked.genes is not None:
        genes = folder.write("genes.gz" if asked.genes.content.startswith(GZIP_MAGIC) else "genes", asked.genes.content)
    sha256 = hashlib.sha256(asked.fasta.content).hexdigest()
    return replace(ReferenceLetters.of_file(path, own, genes, asked.public), sha256=sha256), folder


def _transcripts(asked: Asked, reference: ReferenceLetters) -> Transcripts:
    """Gene models of a registered assembly, or of the file that came with an own reference."""
    codes = given_codes([asked.codes])
    genes = reference.genomes.annotation_file(reference.assembly)
    if asked.assembly != OWN:
        found = reference.transcripts(codes)
    else:
        found = Transcripts() if asked.genes is None or genes is None else read_transcripts(genes, codes, asked.genes.name)
    if codes and not found:
        raise InputError("A genetic code says how gene models are read, and there are none; give gene models, or leave the field empty.")
    return found


def _follow(shared: state.Shared, desk: Desk) -> None:
    if not desk.job.finished:
        polling.follow(shared.engine, True, _progress, desk.job)
        return
    if desk.job.state == "cancelled":
        goes_on = " Asked again, it goes on from where it was." if keeps_unfinished(shared.settings) else ""
        st.info(f"The triage was cancelled; nothing is ranked.{goes_on}")
    elif desk.job.error is not None:
        show_error(str(desk.job.error))
    elif isinstance(desk.job.result, Triage):
        triage_results.ranked(shared, desk, desk.job.result)


def _progress(job: Job) -> None:
    if job.finished:
        st.rerun()
    total = max(1, job.total)
    left = f", about {job.seconds_left:.0f} s left" if job.seconds_left else ""
    st.progress(min(1.0, job.done / total), text=f"{job.done:,} of {job.total:,} {job.unit or job.stage}{left}")
    if button("Cancel", key="triage-cancel"):
        job.cancel()
