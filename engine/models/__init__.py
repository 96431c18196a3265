"""One file an adapter; torch and transformers are imported only when a model loads."""
