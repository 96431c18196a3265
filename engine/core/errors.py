"""Every error a caller of the engine may meet.

    LocuscopeError
    ├── InputError            what the user gave cannot be used (exit status 2 on the command line)
    │   ├── SequenceError     letters, length, alphabet
    │   ├── LocusError        assembly, contig, coordinates
    │   ├── FileFormatError   FASTA, GenBank, GFF3, VCF, ... that does not parse
    │   └── ParameterError    an analysis parameter outside its range
    ├── ModelError            a model cannot answer
    │   ├── UnknownModel      no such model id
    │   ├── WeightsMissing    the weights are not on this machine
    │   ├── WeightsInvalid    the files are there but are not what the model needs
    │   └── CapabilityMissing the model cannot do this analysis
    ├── SourceUnavailable     a remote service or a local reference cannot be reached
    ├── ResourceExhausted     memory or a configured bound ran out
    └── Cancelled             the caller asked to stop

A message is one sentence or two: what was given, what is allowed, what to do.
"""


class LocuscopeError(Exception):
    """Base of every error the engine raises on purpose."""


class InputError(LocuscopeError):
    """What the user gave cannot be used."""


class SequenceError(InputError):
    """A sequence has letters, a length or an alphabet that cannot be used."""


class LocusError(InputError):
    """A locus names an assembly, a contig or coordinates that do not exist."""


class FileFormatError(InputError):
    """A file or pasted record does not parse."""


class ParameterError(InputError):
    """A parameter of an analysis is outside what is allowed."""


class ModelError(LocuscopeError):
    """A model cannot answer."""


class UnknownModel(ModelError):
    """No model has this id."""


class WeightsMissing(ModelError):
    """The weights of a model are not on this machine."""


class WeightsInvalid(ModelError):
    """The weight files are there but are not what the model needs."""


class LayoutUnread(WeightsInvalid):
    """Reading the weight files ended in an error of Python, its cause: they are of another layout, or the reading is at fault."""


class CapabilityMissing(ModelError):
    """The model cannot do this analysis."""


class SourceUnavailable(LocuscopeError):
    """A remote service or a local reference cannot be reached."""


class ResourceExhausted(LocuscopeError):
    """Memory or a configured bound ran out."""


_NO_MEMORY = (
    "can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "cudaErrorMemoryAllocation",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or torch says that memory ran out: one of their own classes, or, from the libraries torch calls, a text."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


class Cancelled(LocuscopeError):
    """The caller asked to stop."""
