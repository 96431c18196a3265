"""megaDNA."""
