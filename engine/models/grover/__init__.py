"""GROVER."""
