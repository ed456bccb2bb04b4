"""How often a key that asks its owner each time may be asked: a touch or a PIN too many is soon given without a thought."""

from __future__ import annotations

from arcgit.errors import UndeterminedError
from arcgit.signing.keys import PublicKey
from arcgit.signing.signer import Signer

SIGNATURES = 3
"""At most so many a command: a tag, its event, and that event once more where somebody else was faster."""


class BoundedSigner:
    """Another signer that signs `most` times and then says that it has been asked often enough."""

    def __init__(self, signer: Signer, most: int = SIGNATURES) -> None:
        self._signer = signer
        self._most = most
        self._made = 0

    @property
    def public_key(self) -> PublicKey:
        return self._signer.public_key

    @property
    def left(self) -> int:
        """How many signatures may still be asked for."""
        return self._most - self._made

    def allow(self, most: int) -> None:
        """Let it sign `most` times in all."""
        self._most = most

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """As the signer does. Raises UndeterminedError `signing-limit` where it was asked often enough."""
        require(self, 1)
        self._made += 1
        return self._signer.sign(payload, namespace)

    def refusal(self, wanted: int, more: str) -> UndeterminedError:
        """Why `wanted` further signatures are not asked for, and how to go on."""
        asked = f", and has asked {self._made} times" if self._made else ""
        message = f"a key that needs a touch or a PIN is asked at most {self._most} times a command{asked}"
        message = f"{message}; {wanted} more are needed"
        hint = "run it again: nothing is lost, and what is signed here waits for arcgit sync"
        if more and not self._made:
            hint = f"{more} {wanted} asks for all of them"
        return UndeterminedError("signing-limit", message, hint)


def allow(signer: Signer, most: int) -> None:
    """Let a key be asked `most` times, which its owner wants. Other keys sign as often as they are asked."""
    if isinstance(signer, BoundedSigner):
        signer.allow(most)


def require(signer: Signer, wanted: int, more: str = "") -> None:
    """Refuse work for which the key may not be asked often enough, before it is asked. `more` is the command that may.

    Raises UndeterminedError `signing-limit`. Other keys sign as often as they are asked.
    """
    if isinstance(signer, BoundedSigner) and wanted > signer.left:
        raise signer.refusal(wanted, more)
