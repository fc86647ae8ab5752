"""One ONNX graph, from raw waveforms to a probability."""
