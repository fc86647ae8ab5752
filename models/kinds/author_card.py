"""The model card of a model of any kind, from what its author says and what was proved."""

from __future__ import annotations

from appliance.core.manifest import Metric
from models.kinds.statement import AuthorStatement
from models.metric_words import words_of
from models.model_directory import Statement
from models.parity import ODD_TOLERANCE

_DEMONSTRATION = """\
> **Demonstration model: it says nothing about patients.**
> Never use it to decide about anybody.

"""

_CARD = """\
# {name} {version}

{warning}## Intended use

{intended_use}

## Limits

{limits}

## Input and output

Recordings: {roles}, as 16 kHz waveforms. Answers of the form: {answers}.

Positive from {t_high:.2f}, negative up to {t_low:.2f}, inconclusive between. {rule}

## Population

{population}

## Training

{description}

- {n_recordings} recordings; SHA-256 of the data set `{digest}`

## How good it is

{metrics}

## Proved before packing

- Logged with MLflow as `{flavour}`; the graph agrees with it within {golden:.0e} on the golden
  recordings, and within {odd:.0e} on silence, constants, clipping and odd lengths.
- It repeats its golden recordings within {golden:.0e}; every box must, too.

## Licence

{licence}
"""


def author_card(statement: AuthorStatement, flavour: str) -> str:
    """Return the card in Markdown; the same values give the same text."""
    point, training = statement.operating_point, statement.training
    return _CARD.format(
        name=statement.name,
        version=statement.version,
        warning=_DEMONSTRATION if statement.demonstration else "",
        intended_use=statement.intended_use,
        limits=statement.limits,
        roles=", ".join(e.role if e.required else f"{e.role} (optional)" for e in statement.roles),
        answers=", ".join(answer.field for answer in statement.metadata) or "none",
        t_low=point.t_low,
        t_high=point.t_high,
        rule=point.rule,
        population=_population(statement),
        description=training.description,
        n_recordings=training.n_recordings,
        digest=training.digest,
        metrics=_metrics(statement.metrics),
        flavour=flavour,
        golden=statement.golden_tolerance,
        odd=ODD_TOLERANCE,
        licence=statement.licence,
    )


def _population(statement: Statement) -> str:
    population = statement.population
    ages = f"{population.age_min or 0} to {population.age_max or 'any'}"
    restricted = {
        "ages": ages,
        "masks": ", ".join(population.mask_types or ()),
        "oxygen support": ", ".join(population.o2_supports or ()),
        "languages": ", ".join(population.languages or ()),
        "sample types": ", ".join(population.sample_types or ()),
    }
    return "\n".join(f"- {what}: {values}" for what, values in restricted.items() if values)


def _metrics(metrics: tuple[Metric, ...]) -> str:
    if not metrics:
        return "Its author states no figure: nobody knows how good it is."
    rows = [
        f"| {words_of(m.name)} | {m.value:.3f} | {_interval(m)} | {m.n} | {m.on} |" for m in metrics
    ]
    return "\n".join(("| | value | 95 % interval | n | on |", "|---|---|---|---|---|", *rows))


def _interval(metric: Metric) -> str:
    return "none" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"
