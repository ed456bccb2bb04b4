"""signature.json: signatures by real tools, and what becomes of each."""

from __future__ import annotations

from tests.vectors.make import signature_openpgp, signature_ssh
from tests.vectors.make.cases import Case
from tests.vectors.make.people import Home
from tests.vectors.make.signature_bench import Maker


def document(home: Home) -> Case:
    """The file."""
    make = Maker()
    signature_openpgp.fill(home, make)
    signature_ssh.fill(home, make)
    about = (
        "payload: what was signed; fingerprint and public_key: the one key of the policy; status: what becomes of the"
        " signature; signing_key: the key that made it, perhaps a subkey; {pad} in a signature stands for `pad` letters A."
    )
    return {"about": about, "cases": make.cases}
