"""The model card: what a hospital reads before it lets a model near a patient."""

from __future__ import annotations

from appliance.core.manifest import Metric
from models.metric_words import words_of
from models.model_directory import Statement, TrainingRecord
from models.parity import ODD_TOLERANCE, SPEECH_TOLERANCE

_DEMONSTRATION = """\
> **Demonstration model: trained on synthetic voices, it says nothing about patients.**
> Never use it to decide about anybody.

"""


_CARD = """\
# {name} {version}

{warning}## Intended use

{intended_use}

## Limits

{limits}

## Input and output

Recordings: {roles}, as 16 kHz waveforms. Windows of 4 s every 1 s; a recording of 4 s or less is
extended with silence to one window. The probability is the mean over all windows of all
recordings.

Positive from {t_high:.2f}, negative up to {t_low:.2f}, inconclusive between. {threshold_rule}

## Population

{population}

## Training

{description}

- SpiraConvV2 (Casanova et al., Findings of ACL 2021), 691,613 weights, MFCC features
- {n_recordings} recordings of {plan.n_train} people; SHA-256 of the data set
  `{digest}`
- seed {plan.seed}, epoch {best_epoch} of {plan.n_epochs} kept (least validation loss,
  {plan.n_validation} people)
- {software}

## How good it is

{metrics}

## Proved before packing

- The graph agrees with PyTorch and torchaudio, window by window, within {speech:.0e} on speech
  and {odd:.0e} on silence, constants, clipping and odd lengths.
- It repeats its golden recordings within {golden:.0e}; every box must, too.

## Licence

{licence}
"""


def card(statement: Statement, record: TrainingRecord) -> str:
    """Return the card in Markdown; the same values give the same text."""
    return _CARD.format(
        name=statement.name,
        version=statement.version,
        warning=_DEMONSTRATION if statement.demonstration else "",
        intended_use=statement.intended_use,
        limits=statement.limits,
        roles=", ".join(e.role if e.required else f"{e.role} (optional)" for e in statement.roles),
        t_low=record.t_low,
        t_high=record.t_high,
        threshold_rule=record.threshold_rule,
        population=_population(statement),
        description=record.description,
        n_recordings=record.n_recordings,
        plan=record.plan,
        digest=record.digests["train"],
        best_epoch=record.best_epoch,
        software=", ".join(
            f"{name} {version}" for name, version in sorted(record.software.items())
        ),
        metrics=_metrics(record),
        speech=SPEECH_TOLERANCE,
        odd=ODD_TOLERANCE,
        golden=statement.golden_tolerance,
        licence=statement.licence,
    )


def _population(statement: Statement) -> str:
    population = statement.population
    named = {
        "Masks": population.mask_types,
        "Oxygen support": population.o2_supports,
        "Languages": population.languages,
        "Sample types": population.sample_types,
    }
    lines = [f"- Ages: {population.age_min or 0} to {population.age_max or 'any'}"]
    lines += [f"- {word}: {', '.join(values)}" for word, values in named.items() if values]
    return "\n".join(lines)


def _metrics(record: TrainingRecord) -> str:
    head = f"| On {record.metrics[0].on} | value | 95 % interval | n |\n|---|---|---|---|"
    return "\n".join([head, *(_row(metric) for metric in record.metrics)])


def _row(metric: Metric) -> str:
    interval = "none" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"
    return f"| {words_of(metric.name)} | {metric.value:.3f} | {interval} | {metric.n} |"
