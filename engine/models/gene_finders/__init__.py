"""Gene finders that are no networks, as models of elements: Prodigal by pyrodigal, its models of viruses, AUGUSTUS."""
