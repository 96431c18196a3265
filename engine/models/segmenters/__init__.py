"""SegmentNT, SegmentEnformer, SegmentBorzoi."""
