"""`manifest.json` read: every rule of a bundle that needs nothing but its manifest."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final, TypeVar

from appliance.core.manifest import (
    CARD_NAME,
    CONTROL_FLOW,
    FORMAT,
    GOLDEN_PREFIX,
    GRAPH_NAME,
    ROLES,
    Encoding,
    FileEntry,
    Golden,
    GoldenCase,
    Manifest,
    MetadataField,
    Population,
    RoleInput,
)
from appliance.core.manifest_parts import (
    MAX_WEIGHT,
    SHA256,
    read_metric,
    read_operating_point,
    read_runtime,
    read_source,
    read_training,
)
from appliance.core.resampling import RESAMPLERS
from appliance.core.strict_json import Node, read_json

MAX_MANIFEST_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 64
"""Of the whole bundle: the manifest and its signature are two of them."""
MAX_TOTAL_BYTES: Final = 2 * 1024**3

_Value = TypeVar("_Value")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE_NAME: Final = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,63}(/[a-z0-9_-][a-z0-9._-]{0,63}){0,3}")

_LABELS: Final = frozenset(
    {
        "cid",
        "fio2_pct",
        "local",
        "location",
        "respiratory_insufficiency_status",
        "rgh",
        "sample_type",
    }
)
_LABEL_PREFIXES: Final = ("hospitalized", "hospitalization_", "o2_")
_REASON_SUFFIX: Final = "_absent_reason"

_OPTIONAL_POPULATION: Final = ("mask_types", "o2_supports", "languages", "sample_types")
_OPTIONAL: Final = frozenset({"operating_point"})
_REQUIRED: Final = frozenset(
    {"format", *(field.name for field in dataclasses.fields(Manifest))} - _OPTIONAL
)


def is_file_name(name: str) -> bool:
    """Return whether a file of a bundle may be called so: no link to elsewhere can be spelled."""
    return _FILE_NAME.fullmatch(name) is not None


def is_label_in_disguise(field: str, never_to_model: Collection[str] = ()) -> bool:
    """Return whether an answer tells the diagnosis, the ward or the person (BUNDLE.md, Rules).

    `fio2_pct` counts as `o2_*`: it too is only known of patients on oxygen.
    """
    field = field.removesuffix(_REASON_SUFFIX)
    return field in _LABELS or field in never_to_model or field.startswith(_LABEL_PREFIXES)


def parse_manifest(content: bytes, never_to_model: Collection[str] = ()) -> Manifest:
    """Return the manifest, every rule of BUNDLE.md that it can break alone being kept.

    Args:
        content: the exact bytes of `manifest.json`.
        never_to_model: fields the box's protocols mark `x-never-to-model`.

    Raises:
        BundleRefused: `manifest-malformed`, or `manifest-invalid` with the field under `errors`.
    """
    root = read_json(content, max_bytes=MAX_MANIFEST_BYTES)
    fields = root.fields(_REQUIRED, _OPTIONAL)
    fields["format"].choice([FORMAT])
    roles = tuple(_each(fields["roles"], _role, at_least=1, at_most=len(ROLES)))
    _refuse_twice(fields["roles"], [entry.role for entry in roles])
    metadata = tuple(_each(fields["metadata"], lambda node: _metadata(node, never_to_model)))
    _refuse_twice(fields["metadata"], [entry.field for entry in metadata])
    t_low = fields["t_low"].number(0.0, 1.0)
    manifest = Manifest(
        name=fields["name"].text(_NAME),
        version=fields["version"].text(_VERSION),
        sequence=fields["sequence"].integer(1, 2**53),
        created_at=_instant(fields["created_at"]),
        source=read_source(fields["source"]),
        training=read_training(fields["training"]),
        roles=roles,
        sample_rate_hz=fields["sample_rate_hz"].integer(8_000, 96_000),
        resampler=fields["resampler"].choice(RESAMPLERS),
        metadata=metadata,
        protocols=_texts(fields["protocols"], at_least=1),
        population=_population(fields["population"]),
        t_low=t_low,
        t_high=fields["t_high"].number(t_low, 1.0),
        metrics=tuple(_each(fields["metrics"], read_metric)),
        intended_use=fields["intended_use"].text(),
        limits=fields["limits"].text(),
        licence=fields["licence"].text(),
        demonstration=fields["demonstration"].flag(),
        opset=fields["opset"].integer(13, 64),
        onnxruntime=read_runtime(fields["onnxruntime"]),
        control_flow=tuple(_each(fields["control_flow"], lambda node: node.choice(CONTROL_FLOW))),
        golden=_golden(fields["golden"], roles, metadata),
        files=_files(fields["files"]),
        operating_point=read_operating_point(fields["operating_point"])
        if "operating_point" in fields
        else None,
    )
    _refuse_twice(fields["control_flow"], manifest.control_flow)
    _check_file_set(fields["files"], manifest)
    return manifest


def _each(
    node: Node, read: Callable[[Node], _Value], *, at_least: int = 0, at_most: int = 256
) -> list[_Value]:
    return [read(item) for item in node.items(at_least=at_least, at_most=at_most)]


def _texts(node: Node, *, at_least: int = 0) -> tuple[str, ...]:
    texts = tuple(_each(node, lambda item: item.text(_TOKEN), at_least=at_least))
    _refuse_twice(node, texts)
    return texts


def _refuse_twice(node: Node, names: Collection[str]) -> None:
    if len(set(names)) != len(names):
        node.refuse("duplicate", "names something twice")


def _instant(node: Node) -> datetime:
    text = node.text(_INSTANT)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        node.refuse("instant", "is no instant of the calendar")


def _role(node: Node) -> RoleInput:
    fields = node.fields(("role", "required"))
    return RoleInput(role=fields["role"].choice(ROLES), required=fields["required"].flag())


def _metadata(node: Node, never_to_model: Collection[str]) -> MetadataField:
    fields = node.fields(("field", "encoding", "missing"), ("categories",))
    name = fields["field"].text(_FIELD)
    if is_label_in_disguise(name, never_to_model):
        fields["field"].refuse("label-in-disguise", "may not be an input of a model")
    encoding = fields["encoding"].choice(list(Encoding))
    if (encoding is Encoding.CATEGORY) != ("categories" in fields):
        node.refuse("categories", "must list categories if, and only if, they are its encoding")
    categories = fields["categories"].entries(at_least=1) if "categories" in fields else {}
    return MetadataField(
        field=name,
        encoding=encoding,
        missing=fields["missing"].number(-MAX_WEIGHT, MAX_WEIGHT),
        categories={
            key: value.number(-MAX_WEIGHT, MAX_WEIGHT) for key, value in categories.items()
        },
    )


def _population(node: Node) -> Population:
    found = {
        name: member
        for name, member in node.fields((), ("age_min", "age_max", *_OPTIONAL_POPULATION)).items()
        if member.present()
    }
    age_min = found["age_min"].integer(0, 150) if "age_min" in found else None
    age_max = found["age_max"].integer(age_min or 0, 150) if "age_max" in found else None
    lists = {
        name: _texts(found[name], at_least=1) for name in _OPTIONAL_POPULATION if name in found
    }
    return Population(age_min=age_min, age_max=age_max, **lists)


def _golden(
    node: Node, roles: Collection[RoleInput], metadata: Collection[MetadataField]
) -> Golden:
    fields = node.fields(("tolerance", "cases"))
    cases = tuple(
        _each(fields["cases"], lambda case: _case(case, roles, metadata), at_least=1, at_most=32)
    )
    _refuse_twice(fields["cases"], [case.id for case in cases])
    return Golden(tolerance=fields["tolerance"].number(1e-9, 1e-2), cases=cases)


def _case(
    node: Node, roles: Collection[RoleInput], metadata: Collection[MetadataField]
) -> GoldenCase:
    fields = node.fields(("id", "recordings", "metadata", "probability"))
    recordings = fields["recordings"].fields(
        [entry.role for entry in roles if entry.required], [entry.role for entry in roles]
    )
    answers = fields["metadata"].fields((), [entry.field for entry in metadata])
    return GoldenCase(
        id=fields["id"].text(_TOKEN),
        recordings={role: name.text(_FILE_NAME) for role, name in recordings.items()},
        metadata={field: _answer(answer) for field, answer in answers.items()},
        probability=fields["probability"].number(0.0, 1.0),
    )


def _answer(node: Node) -> object:
    if isinstance(node.value, str):
        return node.text(empty=True)
    if node.present() and not isinstance(node.value, bool):
        node.number(-1e9, 1e9)
    return node.value


def _files(node: Node) -> dict[str, FileEntry]:
    entries = node.entries(at_least=2, at_most=MAX_FILES - 2)
    files = {}
    for name, entry in entries.items():
        if not is_file_name(name):
            entry.refuse("name", "is not a name a file of a bundle may have")
        fields = entry.fields(("bytes", "sha256"))
        files[name] = FileEntry(
            n_bytes=fields["bytes"].integer(1, MAX_TOTAL_BYTES),
            sha256=fields["sha256"].text(SHA256),
        )
    return files


def _check_file_set(node: Node, manifest: Manifest) -> None:
    """Refuse a bundle with a file that nothing needs, or without one that something does."""
    golden = {name for case in manifest.golden.cases for name in case.recordings.values()}
    for name in sorted(golden):
        if not (name.startswith(GOLDEN_PREFIX) and name.endswith(".wav")):
            node.refuse("golden", "golden recordings are WAV files under golden/")
    expected = {GRAPH_NAME, CARD_NAME, *golden}
    if manifest.files.keys() != expected:
        node.refuse("set", "must be the graph, the card and the golden recordings, no others")
    if sum(entry.n_bytes for entry in manifest.files.values()) > MAX_TOTAL_BYTES:
        node.refuse("total", f"must not be over {MAX_TOTAL_BYTES} bytes together")
