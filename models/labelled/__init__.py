"""Labelled recordings of patients: folders, tables and exports of a box, read one way.

    models.labelled.reading.read_labelled   a folder, a CSV or an export -> labelled cases
    models.labelled.cases                   what a labelled case is, and its waveforms
    models.labelled.judging                 verdicts of the box, where no box gave them
    models.labelled.trained_on              patients a model has heard before, left out
    models.labelled.splitting               parts and folds that share no patient, by seed

AUTHORS.md ("Labelled recordings") shows the layouts. Needs no torch.
"""
