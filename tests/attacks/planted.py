"""Programs in every place that git, Python and DVC know, each of which leaves its name behind when it runs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.world import git

SETTINGS = (
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program",
    "gpg.ssh.defaultKeyCommand", "diff.external", "diff.evil.textconv", "diff.evil.command", "merge.evil.driver",
    "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "alias.rev-parse", "alias.for-each-ref",
    "alias.config", "alias.cat-file", "uploadpack.packObjectsHook", "credential.helper", "interactive.diffFilter",
    "pager.log", "pager.config", "pager.for-each-ref", "pager.show-ref", "pager.ls-tree", "pager.tag", "sequence.editor",
    "difftool.evil.cmd", "mergetool.evil.cmd", "browser.evil.cmd", "man.evil.cmd", "web.browser", "trailer.sign.command",
    "trailer.sign.cmd", "sendemail.smtpServer", "submodule.sub.update", "remote.origin.uploadpack",
    "remote.origin.receivepack", "init.templateDir", "imap.tunnel", "instaweb.httpd",
)  # fmt: skip
HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update",
    "proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc",
    "post-rewrite", "sendemail-validate", "fsmonitor-watchman", "post-index-change",
)  # fmt: skip
VARIABLES = (
    "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_PAGER", "PAGER", "GIT_EDITOR", "EDITOR", "VISUAL",
    "GIT_SEQUENCE_EDITOR", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROXY_COMMAND", "GIT_PYTHON_GIT_EXECUTABLE", "BROWSER",
)  # fmt: skip
"""Variables that name a program."""
MODULES = (
    "arcgit",
    "yaml",
    "dvc",
    "git",
    "pygit2",
    "msgspec",
    "typer",
    "rich",
    "gnupg",
    "sitecustomize",
    "usercustomize",
)


class Planted:
    """Where the programs leave their names."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "evil"
        self.folder.mkdir()
        self.marker = root / "marker"

    def program(self, name: str) -> str:
        """A program that leaves `name` behind and fails."""
        path = self.folder / re.sub("[^A-Za-z0-9.-]", "_", name)
        path.write_text(f"#!/bin/sh\necho '{name}' >> '{self.marker}'\nexit 1\n")
        path.chmod(0o755)
        return str(path)

    @property
    def ran(self) -> set[str]:
        """The names of those that ran so far."""
        return set(self.marker.read_text().split("\n")) - {""} if self.marker.exists() else set()

    def setting(self, work: Path, name: str) -> None:
        """One setting of the repository that names a program."""
        prefix = "!" if name.startswith(("alias.", "credential.", "submodule.")) else ""
        value = self.program(name)
        git(work, "config", name, f"{prefix}{value}")

    def hooks(self, work: Path, *, through_setting: bool) -> None:
        """A program for every hook, in its usual place or through core.hooksPath."""
        place = work / "evil-hooks" if through_setting else work / ".git" / "hooks"
        place.mkdir(exist_ok=True)
        for name in HOOKS:
            path = place / name
            path.unlink(missing_ok=True)
            path.symlink_to(self.program(f"hook {name}"))
        if through_setting:
            git(work, "config", "core.hooksPath", str(place))

    def attributes(self, work: Path) -> None:
        """Filters and drivers for every file, tracked and not."""
        for place in (work / ".gitattributes", work / ".git" / "info" / "attributes"):
            place.parent.mkdir(exist_ok=True)
            place.write_text("* filter=evil diff=evil merge=evil ident\n")

    def included(self, work: Path) -> None:
        """The same settings once more, through files that the configuration includes."""
        for name in ("include.path", f"includeIf.gitdir:{work}/.path"):
            text = "".join(
                f'[{section} "{part}"]\n\t{key} = {self.program(f"{name} {section}.{part}.{key}")}\n'
                for section, part, key in (("diff", "evil", "textconv"), ("filter", "evil", "clean"))
            )
            text += f"[core]\n\tfsmonitor = {self.program(f'{name} core.fsmonitor')}\n"
            text += f"[gpg]\n\tprogram = {self.program(f'{name} gpg.program')}\n"
            path = self.folder / f"{name.partition('.')[0]}.config"
            path.write_text(text)
            git(work, "config", name, str(path))

    def modules(self, work: Path) -> None:
        """Python modules with the names of those that are imported, in the folder where the command is typed."""
        for name in MODULES:
            (work / f"{name}.py").write_text(f"open({str(self.marker)!r}, 'a').write('module {name}\\n')\n")

    def pipeline(self, work: Path) -> None:
        """Commands in DVC's own files, and settings of DVC that name code."""
        (work / "dvc.yaml").write_text(
            (work / "dvc.yaml").read_text()
            + f"  evil:\n    cmd: {self.program('dvc.yaml cmd')}\n    always_changed: true\n"
        )
        config = work / ".dvc" / "config"
        config.write_text(
            f"{config.read_text()}[hydra]\n    enabled = true\n    plugins_path = {work}\n[exp]\n    auto_push = true\n"
        )
        plugins = work / ".dvc" / "plugins"
        plugins.mkdir()
        (plugins / "evil.py").write_text(f"open({str(self.marker)!r}, 'a').write('dvc plugin\\n')\n")

    def everything(self, work: Path) -> None:
        """All of it at once."""
        for name in SETTINGS:
            self.setting(work, name)
        self.hooks(work, through_setting=True)
        self.attributes(work)
        self.included(work)
        self.modules(work)
