"""Is the audit chain whole; and its end, signed, to be kept elsewhere and compared later."""

from __future__ import annotations

from collections.abc import Callable

from appliance.core.audit import GENESIS, AuditBreak, broken_line
from appliance.core.audit_head import AuditHead, head_text, parse_head
from appliance.core.errors import AuditBroken, AuditHeadRefused
from appliance.core.signing_key import BoxSigner, fingerprint_of
from appliance.ports import AuditRecords, Clock


def chain_break(audit: AuditRecords) -> AuditBreak | None:
    """Return the first place where the chain does not hold; reads all of it, page by page.

    Besides each row and its place that is the chain's end, as it was noted beside it, and that
    whatever is stored has a row that says how it came.
    """
    seq, digest = audit.noted_head()
    broken = broken_line(audit.lines())
    if broken is not None:
        return broken
    if _hash_of(seq, audit) != digest:
        last, _ = audit.head()
        return AuditBreak(seq=min(seq, last + 1), reason="the last rows are not those once written")
    missing = next(audit.unaudited(), None)
    if missing is not None:
        kind, thing = missing
        return AuditBreak(seq=last_of(audit), reason=f"no row tells of {kind} {thing}")
    return None


def last_of(audit: AuditRecords) -> int:
    """Return the number of the last row."""
    return audit.head()[0]


def verify_chain(audit: AuditRecords) -> tuple[int, str]:
    """Return number and hash of the last row of a chain that holds. Raises AuditBroken."""
    head = audit.head()
    broken = chain_break(audit)
    if broken is not None:
        raise AuditBroken(seq=broken.seq, reason=broken.reason)
    return head


def signed_head(audit: AuditRecords, *, box_name: str, clock: Clock, signer: BoxSigner) -> str:
    """Return the chain's end as a text that this box signed.

    Raises:
        AuditBroken: its last rows are gone: nobody vouches for what is left.
    """
    noted_seq, noted = audit.noted_head()  # first: meanwhile the chain may only grow
    seq, digest = audit.head()
    if seq < noted_seq or (seq == noted_seq and digest != noted):
        raise AuditBroken(
            seq=min(seq, noted_seq), reason="the last rows are not those once written"
        )
    head = AuditHead(box=box_name, seq=seq, hash=digest, at=clock(), public_key=signer.public_key)
    return head_text(head, signer.sign(head.signed_bytes()))


def compare_head(
    content: bytes,
    *,
    public_key: bytes | None,
    verify: Callable[[bytes, bytes, bytes], bool],
    audit: AuditRecords,
) -> AuditHead:
    """Return a head that was kept elsewhere and is still part of the chain.

    Args:
        content: the file.
        public_key: of this box, if it has one.
        verify: whether a key signed some content with this signature.
        audit: the chain as it is now; that it holds in itself is not looked at here.

    Raises:
        AuditHeadRefused: the file is no head, was changed, or is of another box.
        AuditBroken: the chain was shortened, or written anew, since the head was signed.
    """
    head, signature = parse_head(content)
    if not verify(head.public_key, head.signed_bytes(), signature):
        raise AuditHeadRefused("The head was changed after it was signed.", reason="signature")
    if head.public_key != public_key:
        raise AuditHeadRefused(
            "The head was signed with a key that is not this box's: another box's, or this box's"
            " keys were replaced.",
            reason="other-box",
            signed_by=fingerprint_of(head.public_key),
            this_box=None if public_key is None else fingerprint_of(public_key),
        )
    last = last_of(audit)
    if last < head.seq:
        raise AuditBroken(
            seq=last + 1, reason="rows of the signed head are missing", head_seq=head.seq
        )
    if _hash_of(head.seq, audit) != head.hash:
        raise AuditBroken(
            seq=head.seq, reason="not the row that was signed: written anew", head_seq=head.seq
        )
    return head


def _hash_of(seq: int, audit: AuditRecords) -> str:
    """Return the hash of the row of that number; nothing if there is none."""
    if seq == 0:
        return GENESIS
    row = next(audit.rows(after=seq - 1), None)
    return row.hash if row is not None and row.seq == seq else ""
