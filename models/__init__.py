"""The data scientist side, on a connected workstation: training, export, parity, packing.

    models.train.train                  voices -> a model directory, logged, registered
    models.training.asked               recordings with labels, or nothing -> voices to train on
    models.registry.register, pull      MLflow: a logged run -> a version; a version -> a directory
    models.pack.pack                    a model directory -> a signed bundle
    models.labelled.reading             recordings of patients with labels, of any layout
    models.evaluation.evaluate          how good a model is, and what it hears that it must not
    models.demonstrating                the same for the committed demonstration model
    models.signing.keygen               needs no torch, unlike all the others
    models.progress                     how they tell how far they are

AUTHORS.md is the contract for those who bring models of their own.
"""
