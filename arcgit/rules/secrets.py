"""Likely secrets in what a record would keep for ever, and in the files that install its environment.

A finding names the place and shows the secret masked; the secret itself is never printed, in no finding of the
experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, Place, error
from arcgit.rules import patterns
from arcgit.rules.patterns import Hit


class Leak(msgspec.Struct, frozen=True):
    """One place with what was found there."""

    subject: str
    place: Place
    hits: tuple[Hit, ...]


def search(experiment: Experiment) -> list[Leak]:
    """Every place of the experiment with something that looks like a secret."""
    return [
        leak
        for subject, place, value in _values(experiment)
        for leak in _look(subject, place, value, command="cmd" in place.key)
    ] + list(_environment(experiment))


def hits_in(text: str) -> tuple[Hit, ...]:
    """What looks like a secret in a text that a person wrote."""
    return _hits("", text, command=False)


def findings(leaks: Iterable[Leak]) -> Iterator[Finding]:
    """One finding a place."""
    for leak in leaks:
        what = ", ".join(dict.fromkeys(hit.what for hit in leak.hits))
        shown = ", ".join(dict.fromkeys(mask(hit.secret) for hit in leak.hits))
        hint = "keep it in the environment or in .dvc/config.local; if it is no secret: arcgit explain secret-found"
        message = f"this looks like {what}"
        yield error("secret-found", leak.subject, message, found=shown, hint=hint, place=leak.place)


def redact(found: Iterable[Finding], leaks: Iterable[Leak]) -> list[Finding]:
    """The findings with every secret that was found masked in their texts: a drift shows values and commands."""
    secrets = sorted({hit.secret for leak in leaks for hit in leak.hits}, key=len, reverse=True)
    return [_redacted(finding, secrets) for finding in found] if secrets else list(found)


def _redacted(finding: Finding, secrets: list[str]) -> Finding:
    texts = {name: getattr(finding, name) for name in ("subject", "message", "expected", "found", "hint")}
    if finding.code == "secret-found":
        del texts["found"]
    for secret in secrets:
        texts = {name: text.replace(secret, mask(secret)) for name, text in texts.items()}
    return replace(finding, **texts)


def mask(value: str) -> str:
    """Enough of a secret to recognise it, not enough to use it."""
    return f"{value[:3]}… ({len(value)} characters)" if len(value) >= 12 else f"({len(value)} characters)"


def _values(experiment: Experiment) -> Iterator[tuple[str, Place, Any]]:
    """What would be sealed, by where it stands."""
    for path, value in (*experiment.params.items(), *experiment.metrics.items()):
        yield path, Place(path), value
    for stage in experiment.lineage.get("stages", ()):
        place = Place(stage["file"], ("stages", str(stage["name"]).partition("@")[0]))
        paths = [item["path"] for item in (*stage["deps"], *stage["outs"])]
        yield f"{stage['file']}: {stage['name']}", place, {"cmd": stage["cmd"], "paths": paths}
        for path, locked in stage["params"].items():
            # The same place as in the params file, so that one waiver is for both.
            yield path, Place(path), locked
    for source in experiment.lineage.get("sources", ()):
        yield source["path"], Place(f"{source['path']}.dvc"), source.get("origin", {})
    manifest: dict[str, Any] = msgspec.to_builtins(experiment.manifest)
    for waiver in manifest["waivers"]:
        # It names where a secret was thought to be; that name tells of a secret and is none.
        del waiver["subject"], waiver["expires"]
    yield experiment.manifest_path, Place(experiment.manifest_path), manifest


def _look(subject: str, place: Place, value: Any, name: str = "", *, command: bool = False) -> Iterator[Leak]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _key(subject, place, str(key))
            shown = _joined(subject, place, mask_marks(str(key)))
            inner = replace(place, key=(*place.key, *str(key).split(".")))
            yield from _look(shown, inner, item, str(key), command=command or key == "cmd")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            inner = replace(place, key=(*place.key, number))
            yield from _look(f"{subject}.{number}", inner, item, name, command=command)
    elif isinstance(value, str) and (hits := _hits(name, value, command=command)):
        yield Leak(subject, place, hits)


def _joined(subject: str, place: Place, key: str) -> str:
    """`params.yaml: db`, then `params.yaml: db.password`."""
    top = len(place.key) == (2 if place.key[:1] == ("stages",) else 0)
    return f"{subject}: {key}" if top else f"{subject}.{key}"


def _key(subject: str, place: Place, key: str) -> Iterator[Leak]:
    if hits := tuple(patterns.marks(key)):
        yield Leak(f"{subject}: a key", place, hits)


def mask_marks(text: str) -> str:
    for hit in patterns.marks(text):
        text = text.replace(hit.secret, mask(hit.secret))
    return text


def _hits(name: str, value: str, *, command: bool) -> tuple[Hit, ...]:
    found = [*patterns.marks(value), *patterns.named(name, value)]
    if command or " " in value or "=" in value:
        found += patterns.in_command(value)
    return tuple(dict.fromkeys(found))


def _environment(experiment: Experiment) -> Iterator[Leak]:
    """Package indexes with a password in their address, and marked keys; nothing is guessed from names there."""
    for path, text in experiment.environment.items():
        secrets = dict.fromkeys(patterns.marks(text))
        for number, line in enumerate(text.splitlines(), 1) if secrets else ():
            if hits := tuple(hit for hit in secrets if hit.secret in line):
                yield Leak(f"{path}: line {number}", Place(path, (), number), hits)
