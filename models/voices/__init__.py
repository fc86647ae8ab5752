"""Synthetic voices: a source-filter generator in numpy, for demonstration and tests only.

They prove that the line from training to bedside works. They say nothing about patients.
"""
