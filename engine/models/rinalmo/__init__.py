"""RiNALMo."""
