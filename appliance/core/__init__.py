"""Values and rules: standard library, numpy, soxr. No I/O, no clock, no framework."""
