"""Functions of (sequence, model, parameters) to results."""
