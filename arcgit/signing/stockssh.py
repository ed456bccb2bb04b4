"""SSH signatures checked by ssh-keygen, under the same rules as in process.

The form is read by the same strict parser; ssh-keygen does the mathematics, with the one key that the signature names as
the only allowed signer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from arcgit.signing import sshsig, stock
from arcgit.signing.faults import MalformedError
from arcgit.signing.keys import PublicKey, ssh_fingerprint
from arcgit.signing.verify import SignatureCheck, SignatureStatus

_ME = "signer"
_REFUSED = 255
"""ssh-keygen's exit code for whatever does not verify."""


class StockSshKeys:
    """Keys by their whole blob: neither a comment nor a fingerprint decides who signed."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = {base64.b64decode(key.text.split(" ")[1]): key for key in keys}
        self._readable: dict[bytes, bool] = {}

    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck:
        """Raises MalformedError, WeakError, UnsupportedError, ToolMissingError."""
        parsed = sshsig.parse(signature)
        if parsed.namespace != namespace.encode():
            stated = parsed.namespace[:64].decode(errors="replace")
            detail = f"it was made for the namespace {stated!r}, not for {namespace!r}"
            return SignatureCheck(SignatureStatus.BAD, detail=detail)
        key = sshsig.parse_key(parsed.key)
        if not self._is_key(parsed.key, key.kind):
            raise MalformedError("the key is malformed")
        known = self._keys.get(parsed.key)
        if known is None:
            detail = f"it was made by {ssh_fingerprint(parsed.key)}, which is not one of the keys"
            return SignatureCheck(SignatureStatus.UNKNOWN_KEY, detail=detail)
        sshsig.require_form(parsed, key)
        sound = parsed.touched and sshsig.reduced(parsed, key)
        if not sound or not _verifies(known, payload, signature, namespace):
            return SignatureCheck(SignatureStatus.BAD, detail="the signature does not fit the text")
        return SignatureCheck(SignatureStatus.GOOD, known.fingerprint, known.fingerprint)

    def _is_key(self, blob: bytes, kind: bytes) -> bool:
        """Whether ssh-keygen can read the key: its numbers may be no point of its curve."""
        if blob not in self._readable:
            with stock.folder() as place:
                (place / "key.pub").write_text(f"{kind.decode()} {base64.b64encode(blob).decode()}\n")
                done = stock.run(place, ["ssh-keygen", "-l", "-f", str(place / "key.pub")])
            self._readable[blob] = done.code == 0
        return self._readable[blob]


def _verifies(key: PublicKey, payload: bytes, signature: bytes, namespace: str) -> bool:
    with stock.folder() as place:
        (place / "allowed").write_text(f'{_ME} namespaces="{namespace}" {key.text}\n')
        (place / "signature").write_bytes(signature)
        files = ("-f", str(place / "allowed"), "-s", str(place / "signature"))
        command = ["ssh-keygen", "-Y", "verify", "-I", _ME, "-n", namespace, *files]
        done = stock.run(place, command, stdin=payload)
    said = f'Good "{namespace}" signature for {_ME} with '.encode()
    if done.code == 0 and done.out.startswith(said) and f" {key.fingerprint}\n".encode() in done.out:
        return True
    if done.code not in (0, _REFUSED):
        raise stock.ToolMissingError(f"ssh-keygen ended with exit code {done.code}")
    return False
