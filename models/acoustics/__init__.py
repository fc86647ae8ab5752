"""Measures of a voice, computed in the graph: pauses, phonation, F0, jitter, shimmer, HNR."""
