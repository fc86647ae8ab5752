"""The data scientist side, on a connected workstation: training, export, parity, packing."""
