"""Runs over whole genomes."""
