"""Who a signature says has made it. No cryptography is done: this is for reading an archive, never for judging it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from arcgit.signing import packets, sigfields
from arcgit.signing.armor import dearmor
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.keys import PublicKey, ssh_fingerprint

_SSH_BEGIN, _PGP_BEGIN = b"-----BEGIN SSH SIGNATURE-----\n", b"-----BEGIN PGP SIGNATURE-----\n\n"
_SSH_END, _PGP_END = b"\n-----END SSH SIGNATURE-----\n", b"\n-----END PGP SIGNATURE-----\n"
_MAGIC = b"SSHSIG\0\0\0\1"
_REFUSED = (MalformedError, UnsupportedError, WeakError, binascii.Error, OverflowError)


class ClaimedKeys:
    """Public keys, by what a signature names its key with: the SSH key itself, OpenPGP fingerprints and key ids."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._ssh: dict[bytes, str] = {}
        self._openpgp: dict[str, str] = {}
        for key in keys:
            try:
                if key.kind == "ssh":
                    self._add_ssh(key)
                else:
                    self._add_openpgp(key)
            except (*_REFUSED, IndexError):
                # As in a `Keyring`: what a key signed whose text is not usable is by an unknown key.
                continue

    def _add_ssh(self, key: PublicKey) -> None:
        blob = base64.b64decode(key.text.split(" ")[1])
        if ssh_fingerprint(blob) == key.fingerprint:
            self._ssh[blob] = key.fingerprint

    def _add_openpgp(self, key: PublicKey) -> None:
        found = packets.split(dearmor(key.text.encode(), "PGP PUBLIC KEY BLOCK"))
        keys = [packet.body for packet in found if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY)]
        handles = [handle for body in keys for handle in packets.handles(body)]
        if handles[0] == key.fingerprint:
            self._openpgp |= dict.fromkeys(handles, key.fingerprint)

    def fingerprint(self, signature: bytes, namespace: str) -> str | None:
        """The fingerprint of the key that `signature` names, or None where it names none of these or is malformed."""
        try:
            if signature.startswith(_SSH_BEGIN):
                return self._of_ssh(signature, namespace)
            if signature.startswith(_PGP_BEGIN):
                return self._of_openpgp(signature)
        except _REFUSED:
            return None
        return None

    def _of_ssh(self, signature: bytes, namespace: str) -> str | None:
        if not signature.endswith(_SSH_END):
            return None
        blob = binascii.a2b_base64(signature[len(_SSH_BEGIN) : -len(_SSH_END)])
        begin = len(_MAGIC) + 4
        end = begin + int.from_bytes(blob[len(_MAGIC) : begin], "big")
        stated = len(namespace).to_bytes(4, "big") + namespace.encode()
        return self._ssh.get(blob[begin:end]) if blob.startswith(_MAGIC) and blob.startswith(stated, end) else None

    def _of_openpgp(self, signature: bytes) -> str | None:
        if not signature.endswith(_PGP_END):
            return None
        # The checksum is the business of whoever checks the signature.
        encoded = signature[len(_PGP_BEGIN) : -len(_PGP_END)]
        issuers = sigfields.claimed_issuers(binascii.a2b_base64(encoded.partition(b"\n=")[0]))
        found = {self._openpgp.get(issuer) for issuer in issuers}
        return found.pop() if len(found) == 1 else None
