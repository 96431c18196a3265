"""BERT over bases and k-mers: what its families share, and the rows SpliceBERT and RNAErnie2."""
