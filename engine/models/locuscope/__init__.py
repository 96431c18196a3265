"""The shipped models: a masked language model and the segmenter that reads its hidden states."""
