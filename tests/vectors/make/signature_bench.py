"""Making the cases of signature.json."""

from __future__ import annotations

from typing import Any

from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring
from tests.vectors.make.cases import Case

PAYLOAD = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nA payload.\n"


class Maker:
    """Cases about one payload; each is held to what it claims as soon as it is made."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def add(self, name: str, why: str, key: PublicKey, signature: str, status: str = "good", fault: str = "", **fields: Any) -> None:  # fmt: skip
        """One case. `fields` may change payload, namespace, public_key or pad."""
        case = {
            "name": name,
            "why": why,
            "payload": PAYLOAD.decode(),
            "namespace": "git",
            "fingerprint": key.fingerprint,
            "public_key": key.text,
            "signature": signature,
            "status": status,
            **fields,
        }
        ring = Keyring([PublicKey(key.kind, case["fingerprint"], case["public_key"])])
        text = signature.replace("{pad}", "A" * case.get("pad", 0))
        found = ring.verify(case["payload"].encode(), text.encode(), case["namespace"])
        if found.status.value != status or fault not in found.detail:
            raise ValueError(f"{name}: {found.status.value}, {found.detail}")
        if status == "good":
            case["signing_key"] = found.signing_key
        else:
            case["fault"] = fault
        self.cases.append(case)
