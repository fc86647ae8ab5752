"""Verbs: plain functions over ports. Values first, then the ports they touch."""
