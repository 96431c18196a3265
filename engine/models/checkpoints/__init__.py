"""Checkpoint folders: weights, downloads."""
