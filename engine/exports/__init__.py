"""A result to a file of a standard format."""
