"""GPN (Brassicales)."""
