"""The SPIRA appliance: one box that turns a voice into a pre-diagnosis, and loses nothing."""

__version__ = "0.1.0"
