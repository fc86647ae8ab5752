"""How good a model is on labelled recordings, and whether it hears what it must not.

models.evaluation.evaluate.evaluate     a model and labelled recordings -> an evaluation
models.evaluation.applying              an evaluation goes into what is packed
models.evaluation.record                what is kept of it: `evaluation.json`
"""
