"""Published variant scores: AlphaMissense tables, the AlphaGenome service."""
