"""ONNX Runtime in this process, silent towards the world."""

from appliance.adapters.onnx_predictor.predictor import OnnxPredictor

__all__ = ["OnnxPredictor"]
