"""CI-SpliceAI: splice sites of human genes."""
