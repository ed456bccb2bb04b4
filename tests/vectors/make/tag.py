"""tag.json: whole tag objects of records, and what is found wrong with them."""

from __future__ import annotations

from tests import samples
from tests.vectors.make import tag_content, tag_form
from tests.vectors.make.cases import Case
from tests.vectors.make.chain import People
from tests.vectors.make.tag_bench import Bench


def document(people: People) -> Case:
    """The file."""
    bench = Bench(people)
    tag_content.sound(bench)
    tag_form.fill(bench)
    tag_content.fill(bench)
    about = (
        "tag: a raw tag object (tag_base64 where it is not UTF-8), in which {pad} stands for `pad` letters x; refname: the"
        " ref that points to it; kind: what it points to, where that is no tag; recorded: what the ledger has under that"
        " name; codes: what is found, ? in front where it only cannot be verified. All of them are judged by the policy here."
    )
    return {"about": about, "archive": samples.ARCHIVE, "policy": bench.policy, "cases": bench.cases}
