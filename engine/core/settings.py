"""Settings of one installation: one table from which defaults, the command line and the README derive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.core.quoting import quoted

PREFIX = "LOCUSCOPE_"


def user_path(text: str) -> Path:
    """A path that a person wrote, ``~`` understood. Raises `ParameterError` when nobody is called so, or no path can be."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError) as error:
        raise ParameterError(f"The path {quoted(text)} cannot be read: {error}; write it in full.") from error


def _default_home() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) if base else Path.home() / ".cache"


def _setting(default: Any, help_text: str, *, also: str = "", secret: bool = False) -> Any:
    """A field with its help; ``also``: another variable that is read where the own one is not set; ``secret``: never printed."""
    metadata = {"help": help_text, "also": also}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Every setting; environment variable ``LOCUSCOPE_`` + the upper-case name overrides the default."""

    home: Path = _setting(lambda: _default_home() / "locuscope", "folder of downloaded weights and stored results")
    genomes: str = _setting(
        "", "registered local references, NAME=FASTA[;ANNOTATION] separated by commas, e.g. R64=/data/R64.fa.gz;/data/R64.gff3.gz"
    )
    tracks: str = _setting(
        "",
        "tracks offered to every visitor, NAME=FILE[;ASSEMBLY] separated by commas, e.g. ChIP=/data/chip.bw;R64; indexed files are read by index",
    )
    lessons: str = _setting("", "folder of lessons of your own (TOML files, docs/lessons.md), beside the shipped ones")
    model: str = _setting("locuscope", "model id that is chosen when none is named")
    device: str = _setting("auto", "auto, cpu, cuda or cuda:N")
    dtype: str = _setting("auto", "auto, float32, float16 or bfloat16")
    threads: int = _setting(0, "torch threads of the engine; 0 = all cores")
    model_bytes: int = _setting(8_000_000_000, "bound in bytes of the weights held in memory")
    result_bytes: int = _setting(512_000_000, "bound in bytes of the results held in memory")
    disk_bytes: int = _setting(4_000_000_000, "bound in bytes of results and visitors' files held on disk; the files have a quarter of it")
    keep: str = _setting("disk", "where results and unfinished triages are kept, disk or memory")
    jobs: int = _setting(512, "most computations that wait or run at once, of all visitors")
    visitor_jobs: int = _setting(32, "most computations that wait or run at once, of one visitor")
    visitor_seconds: int = _setting(0, "seconds of computing that a visitor may use in an hour; 0 = as many as there are")
    visitor_upload_bytes: int = _setting(0, "bytes that a visitor may upload in an hour; 0 = as many as they like")
    visitor_calls: int = _setting(0, "questions to public services that a visitor may cause in an hour; 0 = as many as they like")
    max_length: int = _setting(20_000, "longest sequence in bases a visitor may ask to compute")
    max_upload_bytes: int = _setting(50_000_000, "largest upload or pasted text in bytes, after decompression")
    offline: bool = _setting(False, "never contact another host")
    services: bool = _setting(True, "ask public services (NCBI, Ensembl, UCSC, AlphaGenome) for the loci and names that visitors give")
    install: str = _setting(
        "",
        "who may download models and accept their terms on the pages: off, operator or anyone; none = anyone on this machine while "
        "the server listens there only, else operator",
    )
    operators: str = _setting("", "operators, as they are signed in, separated by commas, e.g. ada@example.org,ben@example.org")
    user_header: str = _setting("", "header in which the proxy in front names who is signed in, e.g. X-Forwarded-User")
    address_header: str = _setting("", "header in which the proxy in front names the visitor's address, e.g. X-Real-IP")
    metrics: str = _setting(
        "", "file to which the server writes its figures every 15 s for Prometheus, e.g. /var/lib/locuscope/locuscope.prom"
    )
    contact_email: str = _setting("", "e-mail address sent to NCBI with requests, as NCBI asks")
    hub_endpoint: str = _setting("https://huggingface.co", "where published weights are downloaded from")
    alphamissense: str = _setting(
        "",
        "AlphaMissense tables, ASSEMBLY=FILE and proteins=FILE separated by commas, e.g. GRCh38=/data/AlphaMissense_hg38.tsv.gz,"
        "proteins=/data/AlphaMissense_aa_substitutions.tsv.gz",
    )
    clinvar: str = _setting(
        "", "ClinVar VCFs as NCBI publishes them, each with its .tbi, ASSEMBLY=FILE separated by commas, e.g. GRCh38=/data/clinvar.vcf.gz"
    )
    alphagenome_key: str = _setting(
        "", "personal key of the AlphaGenome service; ALPHA_GENOME_API_KEY is read as well", also="ALPHA_GENOME_API_KEY", secret=True
    )
    weights: str = _setting("", "checkpoint folders that are installed models, ID=DIR separated by commas, e.g. nt-v2=/data/nt-v2")

    def __post_init__(self) -> None:
        for name in ("model_bytes", "result_bytes", "disk_bytes", "jobs", "visitor_jobs", "max_length", "max_upload_bytes"):
            if getattr(self, name) <= 0:
                raise ParameterError(f"Setting {name} is {getattr(self, name)}; it must be above 0.")
        if self.keep not in ("disk", "memory"):
            raise ParameterError(f"Setting keep is {self.keep[:40]!r}; give disk or memory.")
        for name in ("visitor_seconds", "visitor_upload_bytes", "visitor_calls"):
            if getattr(self, name) < 0:
                raise ParameterError(f"Setting {name} is {getattr(self, name)}; give 0 for no limit or a number above 0.")
        if self.install not in ("", "off", "operator", "anyone"):
            raise ParameterError(f"Setting install is {self.install[:40]!r}; give off, operator or anyone.")
        if self.threads < 0:
            raise ParameterError(f"Setting threads is {self.threads}; give 0 for all cores or a number above 0.")

    @property
    def no_services(self) -> str:
        """Why public services are not asked, in words that follow "because"; empty where they are."""
        if self.offline:
            return "this machine is set to be offline"
        return "" if self.services else "this installation asks no public services (LOCUSCOPE_SERVICES)"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Defaults overridden by ``LOCUSCOPE_*`` variables. Raises `ParameterError` for a value of the wrong kind."""
        variables = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = variables.get(PREFIX + item.name.upper(), variables.get(item.metadata["also"]))
            if text is not None:
                values[item.name] = _converted(item.name, str(item.type), text)
        return cls(**values)


def _converted(name: str, kind: str, text: str) -> Any:
    if "\0" in text:
        raise ParameterError(f"{PREFIX}{name.upper()} has a zero byte in it; take it out.")
    if kind == "Path":
        return user_path(text)
    if kind == "bool":
        lowered = text.strip().lower()
        if lowered in ("1", "true", "yes", "on"):
            return True
        if lowered in ("0", "false", "no", "off", ""):
            return False
        raise ParameterError(f"{PREFIX}{name.upper()} is {quoted(text)}; write 1 or 0.")
    if kind == "int":
        try:
            return int(text.replace("_", "").replace(",", ""))
        except ValueError as error:
            raise ParameterError(f"{PREFIX}{name.upper()} is {quoted(text)}; write a whole number.") from error
    return text
