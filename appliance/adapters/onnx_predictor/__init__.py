"""ONNX Runtime, silent towards the world: in this process, or in one with limits of its own."""

from appliance.adapters.onnx_predictor.confined import ConfinedPredictor
from appliance.adapters.onnx_predictor.predictor import OnnxPredictor

__all__ = ["ConfinedPredictor", "OnnxPredictor"]
