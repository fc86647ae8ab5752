"""The HTTP side: one file a noun. Never imports an adapter."""
