"""Nucleotide Transformer v1 and v2."""
