"""What a page, the command line or a cluster may ask of the engine."""
