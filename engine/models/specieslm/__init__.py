"""SpeciesLM (fungi, metazoa)."""
