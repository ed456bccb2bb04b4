"""What secrets look like: the marks that services give their keys, and values whose name tells what they are.

Each mark has literals that must be there before its expression is compiled and run: a commit hook looks at every
parameter, and nearly none of them has one. All repetitions are bounded, so that no text takes long.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import msgspec


class Hit(msgspec.Struct, frozen=True):
    """Something in a text that looks like a secret: what it looks like, and the text itself."""

    what: str
    secret: str


_MARKS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("an AWS access key", ("AKIA", "ASIA"), r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b"),
    ("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\b(gh[pousr]_[A-Za-z0-9]{36,255})"),
    ("a GitHub token", ("github_pat_",), r"\b(github_pat_[A-Za-z0-9_]{40,255})"),
    ("a GitLab token", ("glpat-",), r"\b(glpat-[A-Za-z0-9_-]{20,100})"),
    ("a Slack token", ("xox",), r"\b(xox[abeprs]-[A-Za-z0-9-]{10,250})"),
    ("a Slack webhook", ("hooks.slack.com/",), r"(hooks\.slack\.com/services/[A-Za-z0-9/]{20,100})"),
    ("a Hugging Face token", ("hf_",), r"\b(hf_[A-Za-z0-9]{30,100})\b"),
    ("an API key", ("sk-",), r"(?<![\w-])(sk-(?=[\w-]{0,200}[0-9])(?=[\w-]{0,200}[A-Z])[\w-]{20,200})"),
    ("a Google API key", ("AIza",), r"\b(AIza[A-Za-z0-9_-]{35})"),
    ("a Google OAuth token", ("ya29.",), r"\b(ya29\.[A-Za-z0-9_-]{20,500})"),
    ("a Stripe key", ("k_live_", "k_test_"), r"\b([rs]k_(?:live|test)_[A-Za-z0-9]{16,100})"),
    ("a SendGrid key", ("SG.",), r"\b(SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64})"),
    ("an npm token", ("npm_",), r"\b(npm_[A-Za-z0-9]{36})\b"),
    ("a PyPI token", ("pypi-AgE",), r"\b(pypi-AgE[A-Za-z0-9_-]{40,250})"),
    ("a Databricks token", ("dapi",), r"\b(dapi[0-9a-f]{32})\b"),
    ("a DigitalOcean token", ("do", "_v1_"), r"\b(do[opr]_v1_[0-9a-f]{64})\b"),
    ("an Azure storage key", ("AccountKey=",), r"AccountKey=([A-Za-z0-9+/]{40,100}={0,2})"),
    ("an age key", ("AGE-SECRET-KEY-",), r"(AGE-SECRET-KEY-1[A-Z0-9]{50,60})"),
    ("a private key", ("PRIVATE KEY",), r"(-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)"),
    ("a JSON web token", ("eyJ",), r"\b(eyJ[A-Za-z0-9_-]{8,400}\.eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,1000})"),
    ("a signed address", ("ignature=", "sig="), r"[?&](?:X-Amz-Signature|Signature|sig)=([A-Za-z0-9%+/=_-]{20,200})"),
    (
        "an authorization header",
        ("uthorization",),
        r"""(?i:authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?i:bearer|basic|token)\s{1,4}([\w.~+/=-]{12,2000})""",
    ),
)  # fmt: skip
_SHORTEST = 15
"""No mark is found in a shorter text; nearly all names of parameters are."""
_ADDRESS = r"://([^/\s:@]{0,256})(?::([^/\s@]{0,512}))?@"
_OPTION = (
    r"""(?<![A-Za-z0-9_-])--?([A-Za-z][A-Za-z0-9_.-]{0,63})(?:\s{1,3}|=)["']?([^\s"'&;|,)}\]-][^\s"'&;|,)}\]]{3,511})"""
)
_ASSIGNED = r"""(?<![A-Za-z0-9_.-])([A-Za-z][A-Za-z0-9_.-]{0,63})["']?\s{0,3}[=:]\s{0,3}["']?([^\s"'&;|,)}\]]{4,512})"""
_CURL = r"""\b(?:curl|wget)\b[^|;&]{0,300}?\s(?:-u|--user)[\s=]\s{0,3}["']?[^\s:"']{1,100}:([^\s"']{4,200})"""

_HINTS = ("pass", "pwd", "secret", "key", "token", "cred", "auth", "bearer", "connection", "sas", "pat")
_KEYS = ("api", "access", "secret", "private", "account", "encryption", "master")
_TOKENS = ("auth", "access", "api", "bearer", "refresh", "secret", "private")
_STRONG = frozenset(
    {"password", "passwords", "passwd", "passphrase", "pwd", "secret", "credential", "credentials"}
    | {f"{kind}_key{s}" for kind in _KEYS for s in ("", "s")}
    | {f"{kind}_token{s}" for kind in _TOKENS for s in ("", "s")}
    | {"apikey", "apikeys", "accesskey", "secretkey", "authtoken", "connection_string"}
)  # fmt: skip
_WEAK = frozenset({"token", "tokens", "secrets", "auth", "bearer", "pat", "sas", "sas_token", "wandb_key", "comet_key"})
_HARMLESS = r"""(?xi)
    \**|x+|\?+|\.+|-+|null|none|nil|true|false|yes|no|on|off|todo|tbd|fixme|redacted|masked|hidden|secret|password|token
    |change_?-?me|placeholder|dummy|example|default|unset|empty|required|optional|prompt|keyring|anonymous|public
    |(?:your|my|the|insert|replace|enter)[-_ ].{0,80}
    |\$[({a-z_].{0,500}|%\(?[a-z_]{1,80}\)?[s%]?|\{.{0,500}|<.{0,200}>|\[.{0,80}\]?|@[\w./-]{1,200}
    |(?-i:[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,8})
    |(?:env|file|vault|ssm|aws|gcp|secretsmanager|op|keyring|sops|azure|oc)[:.].{0,300}|arn:aws.{0,300}|enc\[.{0,2000}
    |os\.environ.{0,100}|(?:os\.)?getenv.{0,100}|[a-z][a-z0-9+]{1,10}://.{0,2000}
    |[0-9.eE+-]+
    |(?:~|\.{1,2})?/(?:[\w.-]{1,40}/){0,12}[\w.-]{0,60}
    |[\w./-]{1,120}\.(?:json|ya?ml|toml|ini|cfg|conf|txt|pem|crt|key|env|csv|tsv|parquet|pub|gpg|kdbx)
    """


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def marks(text: str) -> Iterator[Hit]:
    """What carries the mark of a service, or stands in an address."""
    for what, literals, expression in _MARKS if len(text) >= _SHORTEST else ():
        if any(literal in text for literal in literals):
            for match in _compiled(expression).finditer(text):
                yield Hit(what, match[1])
    if "://" in text and "@" in text:
        yield from _in_addresses(text)


def _in_addresses(text: str) -> Iterator[Hit]:
    for match in _compiled(_ADDRESS).finditer(text):
        user, password = match[1], match[2]
        if password and not harmless(password):
            yield Hit("a password in an address", password)
        elif not password and len(user) >= 20 and is_random(user):
            yield Hit("a token in an address", user)


def in_command(text: str) -> Iterator[Hit]:
    """What a command line or a sentence hands over under a telling name: `--password x`, `TOKEN=x`."""
    if _hinted(text):
        for expression in (_OPTION, _ASSIGNED):
            for match in _compiled(expression).finditer(text):
                yield from named(match[1], match[2])
    if "curl" in text or "wget" in text:
        for match in _compiled(_CURL).finditer(text):
            if not harmless(match[1]):
                yield Hit("a password on a command line", match[1])


def named(name: str, value: str) -> Iterator[Hit]:
    """The value, where its name says that it is a secret and nothing speaks against it."""
    if not _hinted(name) or len(value) < 4:
        return
    words = _words(name)
    ends = {"_".join(words[-count:]) for count in (1, 2)}
    strong = not ends.isdisjoint(_STRONG)
    if (strong or (not ends.isdisjoint(_WEAK) and is_random(value))) and not harmless(value):
        yield Hit("a secret, by its name", value)


def _hinted(text: str) -> bool:
    lower = text.lower()
    return any(hint in lower for hint in _HINTS)


def _words(name: str) -> list[str]:
    """The words of `awsSecretAccessKey`, `--aws-secret-access-key` or `aws.secret_access_key`."""
    split = _compiled(r"(?<=[a-z0-9])(?=[A-Z])").sub("_", name[-100:])
    return [word for word in _compiled(r"[^a-z0-9]+").split(split.lower()) if word]


def harmless(value: str) -> bool:
    """True for placeholders, references to where a secret is kept, numbers and paths."""
    return len(value) < 4 or _compiled(_HARMLESS).fullmatch(value.strip()) is not None


def is_random(value: str) -> bool:
    """True for a text without words in it, as generators make them."""
    if len(value) < 20 or not re.fullmatch(r"[A-Za-z0-9+/=_.~-]+", value):
        return False
    if re.fullmatch(r"[0-9a-f]{32,}|[0-9A-F]{32,}", value):
        return True
    kinds = sum(any(test(char) for char in value) for test in (str.islower, str.isupper, str.isdigit))
    return kinds == 3 and entropy(value) >= 3.5


def entropy(text: str) -> float:
    """Shannon's entropy, in bits a character."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values()) if total else 0.0
