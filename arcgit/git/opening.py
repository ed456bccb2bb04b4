"""Opening a repository: where its parts lie, by git, and its objects and refs, by libgit2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arcgit.errors import UndeterminedError
from arcgit.git import plumbing

if TYPE_CHECKING:
    import pygit2

CACHE_BYTES = 256 * 1024


def where(start: Path) -> list[str]:
    """Bare, object format, shallow, git folder, common folder and the top of the work tree, if any, as git says them."""
    wanted = ("--is-bare-repository", "--show-object-format", "--is-shallow-repository", "--absolute-git-dir")
    arguments, top = ["rev-parse", *wanted, "--git-common-dir"], ["--show-toplevel"]
    code, out, _ = plumbing.try_run([*arguments, *top], cwd=start)
    if code != 0:
        # There is no work tree, or something else is wrong, which git then says by itself.
        out = plumbing.run(arguments, cwd=start)
        if not out.startswith(b"true\n"):
            out += plumbing.run(["rev-parse", *top], cwd=start)
    return out.decode(errors="surrogateescape").rstrip("\n").split("\n")


def opened(common_dir: Path, *, strict: bool) -> pygit2.Repository:
    """The repository as libgit2 has it; `strict` looks for SHA-1 collisions made by known attacks in all that is read.

    Raises UndeterminedError where libgit2 cannot or will not open it.
    """
    import pygit2

    pygit2.settings.enable_strict_hash_verification(strict)
    pygit2.settings.enable_fsync_gitdir(True)
    # Of very many objects each is read once; without a bound the library keeps the small ones, up to 256 MB of them.
    pygit2.settings.cache_max_size(CACHE_BYTES)
    try:
        return pygit2.Repository(str(common_dir))
    except pygit2.GitError as error:
        if "extension" in str(error):
            message = f"the repository uses an extension of git that arcgit cannot read: {error}"
            hint = "use a whole clone: git clone URL (without --filter)"
            raise UndeterminedError("repository-unsupported", message, hint) from error
        hint = "if you trust it: git config --global --add safe.directory <path>"
        raise UndeterminedError(
            "repository-untrusted", f"libgit2 will not open the repository: {error}", hint
        ) from error


def git_error() -> type[Exception]:
    """What libgit2 raises, imported when it is asked for."""
    import pygit2

    return pygit2.GitError
