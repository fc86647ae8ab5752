"""Multipart uploads as a stream: recordings go straight to their part files, fields stay small."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from appliance.core.errors import (
    FieldError,
    InvalidForm,
    MalformedRequest,
    TooLarge,
    UnsupportedMediaType,
)
from appliance.core.form_values import ABSENT_TEXTS
from appliance.ports import AudioPart
from appliance.web.threads import to_end

PIECE_BYTES: Final = 1024 * 1024
"""Recordings are written and hashed in pieces of this size, in a thread [traps]."""

MAX_FIELD_BYTES: Final = 64 * 1024
MAX_SEGMENTS: Final = 100
_ABSENT: Final = frozenset(text.encode() for text in ABSENT_TEXTS)
_LONGEST_ABSENT: Final = max(map(len, _ABSENT))


class PartWriter:
    """Gathers small chunks and writes them to a part in pieces, off the event loop."""

    def __init__(self, part: AudioPart) -> None:
        """Write to this part."""
        self.part = part
        self.n_bytes = 0
        self.head = b""
        self._waiting = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Take a chunk. Raises TooLarge, DiskFull."""
        if len(self.head) <= _LONGEST_ABSENT:
            self.head = (self.head + chunk)[: _LONGEST_ABSENT + 1]
        self.n_bytes += len(chunk)
        self._waiting += chunk
        if len(self._waiting) >= PIECE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            piece, self._waiting = bytes(self._waiting), bytearray()
            await to_end(lambda: self.part.write(piece))

    @property
    def is_absent(self) -> bool:
        """Whether nothing was sent, or one of the words the 2022 app uses for nothing."""
        return self.head in _ABSENT


@dataclass
class Upload:
    """A multipart request as it arrives.

    Attributes:
        fields: name -> text; of a name given twice, the last.
        writers: role -> recording.
    """

    fields: dict[str, str] = field(default_factory=dict)
    writers: dict[str, PartWriter] = field(default_factory=dict)

    def parts(self) -> dict[str, AudioPart]:
        """Return the recordings that are really there; the others are discarded."""
        for role in [role for role, writer in self.writers.items() if writer.is_absent]:
            self.writers.pop(role).part.discard()
        return {role: writer.part for role, writer in self.writers.items()}

    def discard(self) -> None:
        """Remove every part that was not kept."""
        for writer in self.writers.values():
            writer.part.discard()


async def receive(
    chunks: AsyncIterator[bytes],
    content_type: str,
    *,
    upload: Upload,
    roles: Collection[str] = (),
    begin: Callable[[], AudioPart] | None = None,
) -> None:
    """Fill the upload from the body; the caller discards it, whatever happens.

    Args:
        chunks: the body.
        content_type: the header, with its boundary.
        upload: is filled.
        roles: names of parts that are recordings, whatever file name they bear.
        begin: opens a part file; None where no recording is asked for.

    Raises:
        UnsupportedMediaType: not multipart.
        MalformedRequest: cut or contradictory.
        TooLarge: a field or the number of parts beyond the limit.
        InvalidForm: a recording sent twice.
    """
    try:
        with PushMultipartParser(
            _boundary(content_type), max_segment_count=MAX_SEGMENTS, strict=False
        ) as parser:
            receiver = _Receiver(upload, roles, begin)
            async for chunk in chunks:
                for event in parser.parse(chunk) if chunk else ():
                    await receiver.take(event)
    except ParserLimitReached as refusal:
        raise TooLarge("There are too many parts, or one has too long a header.") from refusal
    except MultipartError as refusal:
        raise MalformedRequest("The multipart body is cut or contradicts itself.") from refusal


async def read_texts(chunks: AsyncIterator[bytes], content_type: str) -> dict[str, str]:
    """Return the texts of a multipart body; of a name given twice, the last. Files are read past.

    Raises:
        UnsupportedMediaType, MalformedRequest, TooLarge.
    """
    upload = Upload()
    await receive(chunks, content_type, upload=upload)
    return upload.fields


def _boundary(content_type: str) -> str:
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data":
        raise UnsupportedMediaType(accepted=("multipart/form-data",))
    if not options.get("boundary"):
        raise MalformedRequest("The Content-Type names no boundary.")
    return str(options["boundary"])


class _Receiver:
    """Takes the parser's events: a segment, its chunks, and None at its end."""

    def __init__(
        self, upload: Upload, roles: Collection[str], begin: Callable[[], AudioPart] | None
    ) -> None:
        self._upload = upload
        self._roles = roles
        self._begin = begin
        self._name = ""
        self._writer: PartWriter | None = None
        self._text: bytearray | None = None

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            await self._start(event)
        elif event is None:
            await self._end()
        elif self._writer is not None:
            await self._writer.write(bytes(event))
        elif self._text is not None:
            self._text += event
            if len(self._text) > MAX_FIELD_BYTES:
                raise TooLarge("A field is too long.", max_bytes=MAX_FIELD_BYTES)

    async def _start(self, segment: MultipartSegment) -> None:
        self._name = segment.name or ""
        self._writer, self._text = None, None
        if self._begin is not None and self._name in self._roles:
            if self._name in self._upload.writers:
                message = "this recording came twice"
                raise InvalidForm(
                    errors=(FieldError(field=self._name, code="duplicate", message=message),)
                )
            self._writer = PartWriter(await to_end(self._begin, undo=lambda part: part.discard()))
            self._upload.writers[self._name] = self._writer
        elif segment.filename is None:
            self._text = bytearray()
        # A file nobody asked for is read past.

    async def _end(self) -> None:
        if self._writer is not None:
            await self._writer.flush()
        elif self._text is not None:
            try:
                self._upload.fields[self._name] = self._text.decode()
            except UnicodeDecodeError as refusal:
                raise MalformedRequest("A field is not UTF-8.") from refusal
