"""The commands of `spira`, one module a noun: each parses, calls one use case, prints."""
