"""How the shipped models were trained and measured: corpus, language model, segmenter, evaluation.

`python -m engine.training corpus|train|segmenter|evaluate --help`. Nothing here is imported by the dashboard.
"""
