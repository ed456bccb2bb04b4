"""From a snapshot to the facts about each experiment in it. Reads git blobs only: no data, no network, no DVC import."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from arcgit.archive.drift import DriftFinder, lock_file
from arcgit.archive.workspace import MAX_VALUES_BYTES, Workspace, parse_values, to_json
from arcgit.dvc import lineage
from arcgit.dvc.files import Item
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, manifest, paths
from arcgit.model.experiment import MAX_PARAMS_BYTES, Experiment, Stored
from arcgit.model.finding import Finding, Place, error
from arcgit.model.manifest import Manifest
from arcgit.model.text import word


class Reader:
    """Reads the experiments of one snapshot; DVC's files are parsed once for all of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.workspace = Workspace(snapshot)
        self._drift = DriftFinder(self.workspace)
        self._origins = {
            out.path: dep.origin
            for file in self.workspace.sources
            for dep in file.deps[:1]
            for out in file.outs
            if file.stage is None and dep.origin is not None
        }

    def read(self, path: str) -> tuple[Experiment | None, list[Finding]]:
        """The experiment of the manifest at `path`, or None with the faults that keep it from being read."""
        try:
            data = self.snapshot.read(path, manifest.MAX_MANIFEST_BYTES)
        except RefusedError as fault:
            return None, [manifest.unsafe(path, fault.message)]
        if data is None:
            return None, [self._no_manifest(path)]
        parsed = manifest.read(data, path)
        found, faults = parsed.manifest, parsed.faults
        if found is None:
            return None, faults
        folder = path[: -len(manifest.FILE_NAME)]
        located = {name: folder + artifact.path for name, artifact in found.artifacts.items()}
        try:
            traced = lineage.trace(self.workspace.locks, self.workspace.sources, located.values())
        except lineage.LineageCycleError as fault:
            return None, [*faults, error("lineage-broken", path, str(fault), hint="dvc dag")]
        stored = {name: self._stored(place) for name, place in located.items()}
        findings = [*faults, *self.workspace.faults, *self._inside(path, located, stored)]
        findings += self._links(path, located, stored)
        params, missing = self._params(folder, found, path)
        findings += missing
        findings += self._drift.find(path, traced, located.values())
        return (
            Experiment(
                manifest_path=path,
                manifest_sha256=canonical.sha256(data),
                manifest=found,
                artifacts=stored,
                params=params,
                metrics=self._metrics(
                    place for name, place in located.items() if found.artifacts[name].role == "metrics"
                ),
                lineage=to_json(traced.to_json()),
                stored=tuple(self._kept(out) for out in traced.kept()),
                has_pipeline=bool(self.workspace.stages or self.workspace.locks),
                produced=frozenset(out.path for stage in self.workspace.stages.values() for out in stage.outs),
                findings=tuple(findings),
                touches=self._touches(path, found, folder, located.values(), traced),
                environment=self._environment(found, located),
                lines=parsed.lines,
                metrics_files=frozenset(self.workspace.metrics_files),
                left_to_git=frozenset(path for path, out in self.workspace.outs.items() if not out.cached),
            ),
            [],
        )

    def _no_manifest(self, path: str) -> Finding:
        message = f"there is no {path} in {self.snapshot.label}"
        if path in self.snapshot:
            message = f"{path} in {self.snapshot.label} is not a regular file"
        return error("manifest-missing", path, message, hint="arcgit draft writes one", place=Place(path))

    def _environment(self, found: Manifest, located: Mapping[str, str]) -> dict[str, str]:
        """The text of environment files in git; a lock file that is too large to look at is left out."""
        texts = {}
        for name, path in located.items():
            if found.artifacts[name].role == "environment" and self.snapshot.is_file(path):
                with contextlib.suppress(RefusedError):
                    texts[path] = (self.snapshot.read(path, MAX_VALUES_BYTES) or b"").decode(errors="replace")
        return texts

    def _metrics(self, places: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """The values of metrics in git, by file: an artifact is a file itself, or a folder with some."""
        found = {}
        for place in places:
            for file in [place] if place in self.snapshot else self._metrics_in(place):
                if (values := self.workspace.values(file)) is not None:
                    found[file] = values
        return found

    def _metrics_in(self, folder: str) -> list[str]:
        from arcgit.archive import filekinds  # noqa: PLC0415  most metrics are one file

        return filekinds.metrics_in(self.snapshot.below(folder), self.workspace.metrics_files)

    def _stored(self, path: str) -> Stored | None:
        out = self.workspace.outs.get(path)
        if out is not None and out.cached:
            return self._kept(out) if out.oid else None
        if self.snapshot.is_file(path):
            return Stored(path, "file", "git", self.snapshot.entries[path].oid, "git")
        inside = self.snapshot.below(path)
        if inside:
            tracked = any(self.snapshot.entries[name].oid for name in inside)
            return Stored(path, "directory", "git", self.snapshot.tree_oid(path) if tracked else "", "git")
        return None

    def _inside(
        self, manifest_path: str, located: Mapping[str, str], stored: Mapping[str, Stored | None]
    ) -> Iterator[Finding]:
        for name, path in located.items():
            holder = next((out for out in self.workspace.outs if out and path.startswith(f"{out}/")), None)
            kept = stored[name]
            if kept is not None and kept.by == "dvc" and not kept.pushed and not kept.at_source:
                message = f"DVC keeps {path} out of every remote (push: false), so that nobody could look at it later"
                at = Place(manifest_path, ("artifacts", name))
                yield error(
                    "artifact-missing", f"{manifest_path}: {name}", message, hint="take out push: false", place=at
                )
            if kept is None and holder is not None:
                message = f"{path} is a part of the directory {holder} that DVC keeps as a whole"
                hint = f"name the whole directory: path: {holder}"
                place = Place(manifest_path, ("artifacts", name))
                yield error("artifact-untracked", f"{manifest_path}: {name}", message, hint=hint, place=place)

    def _links(
        self, manifest_path: str, located: Mapping[str, str], stored: Mapping[str, Stored | None]
    ) -> Iterator[Finding]:
        """What stands in a directory that git keeps and has no bytes of its own: links and submodules."""
        for name, path in located.items():
            place = stored[name]
            if place is None or place.by != "git" or place.kind != "directory":
                continue
            odd = [inside for inside in self.snapshot.below(path) if not self.snapshot.is_file(inside)]
            if odd:
                message = f"{path} has links or submodules, which cannot be sealed: {', '.join(odd[:5])}"
                hint = "name the folders and files that are meant one by one, or put a file in the place of the link"
                at = Place(manifest_path, ("artifacts", name))
                yield error("path-unsafe", f"{manifest_path}: {name}", message, hint=hint, place=at)

    def _params(self, folder: str, found: Manifest, path: str) -> tuple[dict[str, Any], list[Finding]]:
        faults = self.workspace.faults
        before = len(faults)
        params, findings = {}, []
        for number, name in enumerate(found.params):
            values = self.workspace.values(folder + name)
            if values is not None:
                params[folder + name] = values
            elif len(faults) == before:
                message = f"the params file {folder + name} is not in git, or holds no values"
                place = Place(path, ("params", number))
                hint = f"git add {word(folder + name)}"
                findings.append(error("hyperparameters-missing", path, message, hint=hint, place=place))
        size = len(msgspec.json.encode(params))
        if size > MAX_PARAMS_BYTES:
            message = f"the params have {size} bytes, and a record has room for {MAX_PARAMS_BYTES} bytes of them"
            place = Place(path, ("params",))
            findings.append(error("record-too-large", path, message, hint="name smaller params files", place=place))
        return params, [*findings, *faults[before:]]

    def _kept(self, out: Item) -> Stored:
        return Stored(
            path=out.path,
            kind="directory" if str(out.oid).endswith(".dir") else "file",
            by="dvc",
            oid=str(out.oid),
            hash_name=out.hash_name,
            size=out.size,
            files=out.files,
            remote=out.remote,
            project=self.workspace.project_of(out.path),
            pushed=out.pushed,
            origin=self._origins.get(out.path),
            members=tuple((member.relpath, member.md5) for member in out.members),
            versions=_versions(out),
        )

    def _touches(
        self, path: str, found: Manifest, folder: str, located: Iterable[str], traced: lineage.Lineage
    ) -> frozenset[str]:
        """The files in git that the experiment is made of: a change in one of them makes the tree dirty for it."""
        touched = {path, *(folder + name for name in found.params), *located}
        for stage in traced.stages:
            touched |= {stage.file, *stage.params}
            touched.add(lock_file(stage))
            touched |= {dep.path for dep in stage.deps if not dep.outside}
            touched |= {out.path for out in stage.outs if not out.cached}
        outs = {source.out.path for source in traced.sources}
        touched |= {file.path for file in self.workspace.sources if any(out.path in outs for out in file.outs)}
        return frozenset(name for name in touched if name and not paths.unsafe_reason(name))


def _versions(out: Item) -> dict[str, dict[str, str]] | None:
    """The version ids of an out by remote, and by the path inside of it, which is empty for a file."""
    found: dict[str, dict[str, str]] = {}
    for relpath, versions in [("", out.versions), *((member.relpath, member.versions) for member in out.members)]:
        for remote, version in (versions or {}).items():
            found.setdefault(remote, {})[relpath] = version
    return found or None


def read(snapshot: Snapshot, path: str) -> tuple[Experiment | None, list[Finding]]:
    """One experiment of a snapshot; use a `Reader` for several."""
    return Reader(snapshot).read(path)


def with_metrics(found: Experiment, values: Mapping[str, bytes]) -> Experiment:
    """The experiment with the values of metrics files that DVC keeps. Raises RefusedError for malformed ones."""
    metrics = dict(found.metrics)
    for path, data in values.items():
        try:
            parsed = parse_values(data, path)
        except ValueError as fault:
            message = f"the metrics in {path} cannot be read: {fault}"
            raise RefusedError("metrics-missing", message, "dvc repro") from fault
        if parsed is not None:
            metrics[path] = parsed
    return replace(found, metrics=metrics)
