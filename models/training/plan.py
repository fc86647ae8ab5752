"""What a training run is asked to do: everything that decides its result, but the machine."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.augmentation import NO_AUGMENTATION, Augmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """The settings of one run; the same plan on the same machine gives the same weights.

    Attributes:
        seed: of voices or of who is in which part, of first weights, order, changes and dropout.
        n_train, n_validation, n_test: people; half of the synthetic ones are patients.
        n_epochs: passes at most; the one with the least validation loss is kept.
        patience: passes without a lesser validation loss after which it stops; 0 goes on.
        batch: windows a step; one window a recording and epoch is drawn.
        dropout, learning_rate, weight_decay: of the network and AdamW; the rate rises to
            `learning_rate` over three tenths of the steps and falls to nothing. The publication
            has 0.7, 1e-3 and 0.01 over up to 1,000 epochs; these suit a run of minutes.
        n_threads: of torch; another number may change the last bits of the weights. Windows are
            so small that a second thread saves little, and on a busy machine it costs much.
    """

    seed: int = 20_261
    n_train: int = 320
    n_validation: int = 100
    n_test: int = 200
    n_epochs: int = 9
    batch: int = 24
    dropout: float = 0.25
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    n_threads: int = 1
    patience: int = 0
    augmentation: Augmentation = NO_AUGMENTATION
