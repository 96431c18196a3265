"""What a file is by its content, so that a sentence can name the true cause: packed, a picture, a document, or text of another format."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PACKED = (
    (b"PK\x03\x04", "a zip archive (.zip, .xlsx and .docx are)"),
    (b"BZh", "packed with bzip2 (.bz2)"),
    (b"\xfd7zXZ", "packed with xz (.xz)"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard (.zst)"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "an RTF document of a word processor"),
    (b"\xd0\xcf\x11\xe0", "a document of an old office program (.doc, .xls)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"\x7fELF", "a program"),
    (b"\x89HDF", "HDF5"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"BCF\x02", "BCF, the binary form of VCF"),
    (b"BAM\x01", "BAM, aligned reads"),
    (b"CRAM", "CRAM, aligned reads"),
    (b"\x43\x27\x41\x1a", "2bit, a packed genome of UCSC"),
    (b"\x1a\x41\x27\x43", "2bit, a packed genome of UCSC"),
    (b"\x26\xfc\x8f\x88", "bigWig"),
    (b"\x88\x8f\xfc\x26", "bigWig"),
    (b"\xeb\xf2\x89\x87", "bigBed"),
    (b"\x87\x89\xf2\xeb", "bigBed"),
    (b"TBI\x01", "a tabix index; the file beside it is meant"),
    (b"CSI\x01", "an index; the file beside it is meant"),
)
_UNPACK = {
    "bzip2": "unpack it with bunzip2",
    "xz": "unpack it with unxz",
    "Zstandard": "unpack it with zstd -d",
    "zip": "unpack it and give the file inside",
    "RAR": "unpack it and give the file inside",
    "7z": "unpack it and give the file inside",
    "BCF": "turn it into VCF with bcftools view",
    "2bit": "turn it into FASTA with twoBitToFa",
    "RTF": "save it as plain text",
    "office": "save it as plain text",
    "aligned": "variants are called from it first",
}


def packing(data: bytes) -> str:
    """What the first bytes of a file say it is when it is no text; empty when they say nothing."""
    found = next((words for magic, words in _PACKED if data.startswith(magic)), "")
    if not found and data[257:262] == b"ustar":
        return "a tar archive"
    return found


def how_to_unpack(words: str) -> str:
    """What to do with a file that `packing` knows, as the middle of a sentence; empty when there is nothing to do."""
    return next((advice for key, advice in _UNPACK.items() if key in words), "")


@dataclass(frozen=True)
class TextKind:
    """A text format: ``name`` is a short key, ``words`` what a sentence calls it, ``advice`` what to do with it here."""

    name: str
    words: str
    advice: str = ""


_ALIGNED = "open it on the page Alignment or with the command alignment"

FASTA = TextKind("fasta", "FASTA")
GENBANK = TextKind("genbank", "a GenBank record")
EMBL = TextKind("embl", "an EMBL record")
GFF3 = TextKind("gff3", "GFF3 annotation", "open it as an annotation of the sequence shown")
VCF = TextKind("vcf", "a VCF, a list of variants", "open it on the page Triage or with the command triage")
FASTQ = TextKind("fastq", "FASTQ, reads with qualities", "turn it into FASTA, for instance with seqtk seq -A")
STOCKHOLM = TextKind("stockholm", "a Stockholm alignment", _ALIGNED)
CLUSTAL = TextKind("clustal", "a Clustal alignment", _ALIGNED)
SAM = TextKind("sam", "SAM, aligned reads", "give the sequence itself as FASTA")
WEB_PAGE = TextKind("html", "a web page", "download the file itself, or copy its text")

_STARTS: tuple[tuple[re.Pattern[str], TextKind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"[>;]", FASTA),
        (r"LOCUS\s", GENBANK),
        (r"ID {3}\S", EMBL),
        (r"##gff-version", GFF3),
        (r"##fileformat=VCF|#CHROM\tPOS", VCF),
        (r"# STOCKHOLM", STOCKHOLM),
        (r"CLUSTAL|MUSCLE \(", CLUSTAL),
        (r"#NEXUS", TextKind("nexus", "a NEXUS file", "take one of its sequences without its gaps")),
        (r"@(HD|SQ|RG|PG)\t", SAM),
        (r"##maf", TextKind("maf", "a MAF alignment", _ALIGNED)),
        (r"\{\\rtf", TextKind("rtf", "an RTF document of a word processor", "save it as plain text")),
        (r"<!DOCTYPE|<html|<head", WEB_PAGE),
        (r"<\?xml", TextKind("xml", "XML", "ask for FASTA or GenBank where it comes from")),
        (r"version https://git-lfs\.", TextKind("lfs", "a Git LFS pointer, not the file itself", "fetch it with git lfs pull")),
        (r"(HEADER|ATOM|REMARK) {2,}", TextKind("pdb", "a PDB structure", "give the sequence of its nucleic acid")),
        (r"(track type=wiggle|fixedStep|variableStep)", TextKind("wiggle", "a wiggle track", "it holds values and no letters")),
    )
)


def text_kind(head: str) -> TextKind | None:
    """The format that the first lines of a text show; None when they do not, as plain letters do not.

    Parameters
    ----------
    head : str
        The first few hundred characters; white space in front is passed over.
    """
    start = head.lstrip("\ufeff \t\r\n")
    for pattern, kind in _STARTS:
        if pattern.match(start):
            return kind
    rows = start[:4000].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(rows) > 2 and rows[0].startswith("@") and rows[2].startswith("+"):
        return FASTQ
    return None
