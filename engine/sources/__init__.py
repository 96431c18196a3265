"""Sequence and annotation in."""
