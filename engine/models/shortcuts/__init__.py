"""Ways to score mutants of one sequence without whole passes."""
