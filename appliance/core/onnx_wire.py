"""The protobuf wire format of ONNX models, walked within bounds; nothing unknown is passed over.

Sources: "Encoding" (protobuf.dev/programming-guides/encoding) and the field numbers of
onnx.proto3 at IR version 14. A field that is not in the tables refuses the file: the box opens
no graph of which it does not know every part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from appliance.core.errors import GraphRefused

MAX_FIELDS: Final = 200_000
MAX_DEPTH: Final = 24

# A string: `memoryview` takes a type argument only from Python 3.14 on.
_Bytes: TypeAlias = "memoryview[int]"

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES: Final = 10
_MAX_TAG_BYTES: Final = 5

# What a field is: a number, a text, bytes that are not looked into, or the name of a message. A `*`
# means that it may occur more than once; without it the second time refuses the file, since
# readers differ in which of the two they believe.
_NUMBER: Final = "number"
_TEXT: Final = "text"
_BYTES: Final = "bytes"

_MESSAGES: Final[dict[str, dict[int, tuple[str, str]]]] = {
    "Model": {
        1: ("ir_version", _NUMBER),
        2: ("producer_name", _TEXT),
        3: ("producer_version", _TEXT),
        4: ("domain", _TEXT),
        5: ("model_version", _NUMBER),
        6: ("doc_string", _TEXT),
        7: ("graph", "Graph"),
        8: ("opset_import", "OperatorSetId*"),
        14: ("metadata_props", "StringStringEntry*"),
        20: ("training_info", "Opaque*"),
        25: ("functions", "Opaque*"),
        26: ("configuration", "Opaque*"),
    },
    "OperatorSetId": {1: ("domain", _TEXT), 2: ("version", _NUMBER)},
    "StringStringEntry": {1: ("key", _TEXT), 2: ("value", _TEXT)},
    "Graph": {
        1: ("node", "Node*"),
        2: ("name", _TEXT),
        5: ("initializer", "Tensor*"),
        10: ("doc_string", _TEXT),
        11: ("input", "ValueInfo*"),
        12: ("output", "ValueInfo*"),
        13: ("value_info", "ValueInfo*"),
        14: ("quantization_annotation", "Opaque*"),
        15: ("sparse_initializer", "SparseTensor*"),
        16: ("metadata_props", "StringStringEntry*"),
    },
    "Node": {
        1: ("input", "text*"),
        2: ("output", "text*"),
        3: ("name", _TEXT),
        4: ("op_type", _TEXT),
        5: ("attribute", "Attribute*"),
        6: ("doc_string", _TEXT),
        7: ("domain", _TEXT),
        8: ("overload", _TEXT),
        9: ("metadata_props", "StringStringEntry*"),
        10: ("device_configurations", "Opaque*"),
    },
    "Attribute": {
        1: ("name", _TEXT),
        2: ("f", _NUMBER),
        3: ("i", _NUMBER),
        4: ("s", _BYTES),
        5: ("t", "Tensor"),
        6: ("g", "Graph"),
        7: ("floats", "number*"),
        8: ("ints", "number*"),
        9: ("strings", "bytes*"),
        10: ("tensors", "Tensor*"),
        11: ("graphs", "Graph*"),
        13: ("doc_string", _TEXT),
        14: ("tp", "Type"),
        15: ("type_protos", "Type*"),
        20: ("type", _NUMBER),
        21: ("ref_attr_name", _TEXT),
        22: ("sparse_tensor", "SparseTensor"),
        23: ("sparse_tensors", "SparseTensor*"),
    },
    "Tensor": {
        1: ("dims", "number*"),
        2: ("data_type", _NUMBER),
        3: ("segment", "Opaque"),
        4: ("float_data", "number*"),
        5: ("int32_data", "number*"),
        6: ("string_data", "bytes*"),
        7: ("int64_data", "number*"),
        8: ("name", _TEXT),
        9: ("raw_data", _BYTES),
        10: ("double_data", "number*"),
        11: ("uint64_data", "number*"),
        12: ("doc_string", _TEXT),
        13: ("external_data", "StringStringEntry*"),
        14: ("data_location", _NUMBER),
        16: ("metadata_props", "StringStringEntry*"),
    },
    "SparseTensor": {1: ("values", "Tensor"), 2: ("indices", "Tensor"), 3: ("dims", "number*")},
    "ValueInfo": {
        1: ("name", _TEXT),
        2: ("type", "Type"),
        3: ("doc_string", _TEXT),
        4: ("metadata_props", "StringStringEntry*"),
    },
    "Type": {
        1: ("tensor_type", "TensorType"),
        4: ("sequence_type", "ElementType"),
        5: ("map_type", "MapType"),
        6: ("denotation", _TEXT),
        8: ("sparse_tensor_type", "TensorType"),
        9: ("optional_type", "ElementType"),
    },
    "TensorType": {1: ("elem_type", _NUMBER), 2: ("shape", "Shape")},
    "ElementType": {1: ("elem_type", "Type")},
    "MapType": {1: ("key_type", _NUMBER), 2: ("value_type", "Type")},
    "Shape": {1: ("dim", "Dimension*")},
    "Dimension": {
        1: ("dim_value", _NUMBER),
        2: ("dim_param", _TEXT),
        3: ("denotation", _TEXT),
    },
    "Opaque": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as it was met.

    Attributes:
        number: of a varint; 0 for everything else.
        body: of a text, of bytes, of a message or of packed numbers; empty for a number.
    """

    message: str
    name: str
    kind: str
    number: int
    body: _Bytes

    @property
    def is_message(self) -> bool:
        """Whether the body can be walked in its turn; `Opaque` ones are only counted."""
        return self.kind in _MESSAGES and self.kind != "Opaque"

    def text(self) -> str:
        """Return the body as UTF-8. Raises GraphRefused (`not-onnx`)."""
        try:
            return bytes(self.body).decode()
        except UnicodeDecodeError as error:
            raise not_onnx("a name is not UTF-8") from error


class Walker:
    """Reads the fields of messages of one file, counting them all; not thread-safe."""

    def __init__(self) -> None:
        """Start counting."""
        self._n_fields = 0

    def fields(self, message: str, body: _Bytes) -> Iterator[Field]:
        """Yield the fields of one message in their order.

        Raises:
            GraphRefused: `not-onnx`, or `too-many-fields`.
        """
        table = _MESSAGES[message]
        seen: set[int] = set()
        at = 0
        while at < len(body):
            self._count()
            tag, at = _varint(body, at, max_bytes=_MAX_TAG_BYTES)
            number, wire = tag >> 3, tag & 7
            if number not in table:
                raise not_onnx(f"{message} has an unknown field {number}")
            name, kind = table[number]
            if number in seen and not kind.endswith("*"):
                raise not_onnx(f"{message} has its {name} twice")
            seen.add(number)
            kind = kind.removesuffix("*")
            value, payload, at = _payload(body, at, wire)
            if (wire == _LENGTH) != (kind != _NUMBER) and not _is_packed(wire, kind, table[number]):
                raise not_onnx(f"{message} has a {name} of another kind")
            field = Field(message=message, name=name, kind=kind, number=value, body=payload)
            if kind == _TEXT:
                field.text()
            yield field

    def tree(self, message: str, body: _Bytes, *, depth: int = 0) -> Iterator[Field]:
        """Yield every field of the message and of all messages within, depth first.

        Raises:
            GraphRefused: `not-onnx`, `too-many-fields`, or `too-deep`.
        """
        if depth > MAX_DEPTH:
            raise GraphRefused("The graph is nested too deep.", reason="too-deep")
        for field in self.fields(message, body):
            yield field
            if field.is_message:
                yield from self.tree(field.kind, field.body, depth=depth + 1)

    def _count(self) -> None:
        self._n_fields += 1
        if self._n_fields > MAX_FIELDS:
            raise GraphRefused("The graph has too many parts.", reason="too-many-fields")


def not_onnx(message: str) -> GraphRefused:
    """Return the refusal of a file that is no ONNX model."""
    return GraphRefused(f"The graph is not an ONNX model: {message}.", reason="not-onnx")


def _is_packed(wire: int, kind: str, entry: tuple[str, str]) -> bool:
    """Return whether repeated numbers came in one piece, as proto3 writes them."""
    return wire == _LENGTH and kind == _NUMBER and entry[1].endswith("*")


def _payload(body: _Bytes, at: int, wire: int) -> tuple[int, _Bytes, int]:
    """Return a field's number, its body, and where the next field begins."""
    if wire == _VARINT:
        number, end = _varint(body, at, max_bytes=_MAX_VARINT_BYTES)
        return number, body[:0], end
    if wire == _LENGTH:
        length, at = _varint(body, at, max_bytes=_MAX_VARINT_BYTES)
    elif wire in _FIXED_BYTES:
        length = _FIXED_BYTES[wire]
    else:
        raise not_onnx("a group or an unknown wire type")
    if length > len(body) - at:
        raise not_onnx("it is cut")
    return 0, body[at : at + length] if wire == _LENGTH else body[:0], at + length


def _varint(body: _Bytes, at: int, *, max_bytes: int) -> tuple[int, int]:
    """Return an unsigned number and where it ends."""
    number = 0
    for shift, byte in enumerate(body[at : at + max_bytes]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says: more follows
            return number, at + shift + 1
    raise not_onnx("a number is cut or too long")
