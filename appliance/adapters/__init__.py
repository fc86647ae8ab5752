"""One technology a file: what fills the ports."""
