"""Value types, errors, parameters and protocols: standard library and numpy only."""
