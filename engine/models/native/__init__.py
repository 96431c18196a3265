"""Checkpoints that transformers' own classes run: anybody's, and the published decoders MarinDNA and Carbon."""
