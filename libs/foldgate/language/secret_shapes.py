"""The shapes of known secrets, found in linear time whatever the text.

A shape is looked for only where a literal of it stands, and read from there. Nothing can be made slow: a word is read
only where it begins, what was found is passed over, and repetitions are possessive (`++`) or bounded, so nothing long
is tried again.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from pydantic_core import SchemaValidator
from pydantic_core.core_schema import str_schema

REFERENCE = "secret://"
MARK = "[redacted:"

_WORDS = {
    "aws_key": ("AKIA|ASIA|ABIA|ACCA", r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    "google_key": ("AIza", r"[0-9A-Za-z_-]{35}"),
    "google_token": ("ya29.|GOCSPX-", r"[0-9A-Za-z_-]{20,}+"),
    "github_token": ("ghp_|gho_|ghu_|ghs_|ghr_|github_pat_", r"[0-9A-Za-z_]{22,}+"),
    "gitlab_token": ("glpat-|glptt-|gldt-|glrt-|glcbt-|glsoat-", r"[0-9A-Za-z_-]{20,}+"),
    "slack_token": ("xoxa-|xoxb-|xoxc-|xoxe-|xoxo-|xoxp-|xoxr-|xoxs-|xapp-", r"[0-9A-Za-z-]{10,}+"),
    "stripe_key": ("sk_live_|sk_test_|rk_live_|rk_test_|whsec_", r"[0-9A-Za-z]{16,}+"),
    "model_key": ("sk-", r"(?:(?:proj|ant|svcacct|admin|or)-[0-9A-Za-z_-]{20,}+|[0-9A-Za-z]{32,}+)"),
    "model_hub_token": ("hf_", r"[0-9A-Za-z]{30,}+"),
    "registry_token": ("npm_|pypi-|dckr_pat_", r"[0-9A-Za-z_-]{20,}+"),
    "cloud_token": ("dop_v1_|doo_v1_|dor_v1_|dapi", r"[0-9a-f]{32,}+"),
    "foldgate_key": ("fg_", r"[a-z2-7]{12}_[0-9A-Za-z_-]{43}"),
    "vault_token": ("hvs.|hvb.|hvr.", r"[0-9A-Za-z_-]{20,}+"),
    "mail_key": ("SG.", r"[0-9A-Za-z_-]{16,}+\.[0-9A-Za-z_-]{16,}+"),
    "shop_token": ("shpat_|shpca_|shppa_|shpss_", r"[0-9a-fA-F]{32}"),
    "tracker_token": ("ATATT3|lin_api_", r"[0-9A-Za-z_=-]{32,}+"),
    "private_key": ("AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}+"),
    "jwt": ("eyJ", r"[0-9A-Za-z_-]{8,}+\.eyJ[0-9A-Za-z_-]{4,}+\.[0-9A-Za-z_-]*+"),
}
"""Words with a beginning of their own, and how they go on."""

_FIELDS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "api_key", "secret_key", "private_key", "access_key"),
    *("account_key", "shared_access_key", "auth_token", "access_token", "refresh_token", "session_token"),
    *("security_token", "api_token", "bearer_token", "id_token"),
)
_NOT_YET = r"(?!secret://|\[redacted:)"
_ASSIGNED = (
    r"\\{0,3}[\"']?\s{0,3}(?:=(?!=)|:(?=\s{0,3}\\{0,3}[\"']))\s{0,3}\\{0,3}"
    rf"(?:\"{_NOT_YET}(?P<double>[^\"\\]++)|'{_NOT_YET}(?P<single>[^'\\]++)"
    rf"|{_NOT_YET}(?P<bare>[^\s\"'&;,(){{}}<>\\]++))"
)
_SCHEME = rf" {{1,3}}{_NOT_YET}(?P<secret>(?=[A-Za-z._~+/=-]*+[0-9])[0-9A-Za-z._~+/=-]{{16,}}+)"
_URL = rf"[^\s/?#@:\"']*+:{_NOT_YET}(?P<secret>[^\s/?#\"']+)(?=@)"
_URL_HINT = r"[^\s/?#@:\"']*:[^\s/?#\"']+@"
_BLOCK = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?:[^-]|-(?!----END))*+(?:-----END [A-Z0-9 ]{0,60}+-----)?"

_NAMES = (
    r"passw|passphrase|pwd|secret|credential|authorization|cookie"
    r"|(?:api|private|access|account|signing|encryption)[^0-9a-z]*key|token[^0-9a-z]*[\"'=:\\]"
)
"""How fields are named that hold secrets, or texts that say them."""


_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_PASSWORDS = ("password", "passwd", "passphrase", "pwd", "secret")
_FIELD_ENDS = (
    *_PASSWORDS,
    *("apikey", "secretkey", "privatekey", "accesskey", "accountkey", "signingkey", "encryptionkey", "credential"),
    *("authtoken", "accesstoken", "refreshtoken", "sessiontoken", "securitytoken", "apitoken", "bearertoken"),
    *("idtoken", "bottoken"),
)
_WHOLE_FIELDS = frozenset({"token", "authorization", "proxyauthorization", "cookie", "setcookie"})


class Span(NamedTuple):
    """Where a known secret stands, and what it is."""

    begin: int
    end: int
    name: str


def spans(text: str) -> Iterator[Span]:
    """The known secrets of a text, in no order; they may overlap."""
    small = _small(text)
    for literal, name, pattern in _SHAPES:
        at = small.find(literal)
        while at >= 0:
            found = _compiled(pattern).match(text, at)
            if found is None:
                at = small.find(literal, at + 1)
            else:
                yield Span(*found.span(found.lastindex or 0), name)
                at = small.find(literal, found.end())


def is_secret_field(name: str) -> bool:
    """Whether a text in a field of this name is a secret."""
    bare = bare_name(name)
    return bare.endswith(_FIELD_ENDS) or bare in _WHOLE_FIELDS


def is_password_field(name: str) -> bool:
    """Whether anything in a field of this name is one."""
    return bare_name(name).removesuffix("s").endswith(_PASSWORDS)


def bare_name(name: str) -> str:
    """The letters and digits of a name, however its words are put together."""
    return _SEPARATORS.sub("", name).lower()


def _small(text: str) -> str:
    """The text in small letters, each at its place: there is one that becomes two."""
    return text.replace("\u0130", "i").lower()


_compiled = cache(re.compile)
"""Each pattern when it is first wanted: most never are."""


def _shapes() -> tuple[tuple[str, str, str], ...]:
    """Each literal in small letters, the name of its shape, and the pattern that is matched where it stands. The last
    group of a pattern is the secret; without one it is the whole."""
    words = [
        (literal, name, rf"(?<![0-9A-Za-z_-]){re.escape(literal)}{rest}")
        for name, (literals, rest) in _WORDS.items()
        for literal in literals.split("|")
    ]
    fields = [(one, "password", f"(?i:{one}){_ASSIGNED}") for field in _FIELDS for one in _spellings(field)]
    others = [
        ("-----begin ", "private_key", f"-----BEGIN {_BLOCK}"),
        ("://", "url_password", f"://{_URL}"),
        ("bearer ", "authorization", rf"(?i:\bbearer){_SCHEME}"),
        ("basic ", "authorization", rf"(?i:\bbasic){_SCHEME}"),
    ]
    return tuple((literal.lower(), name, pattern) for literal, name, pattern in words + fields + others)


def _spellings(field: str) -> set[str]:
    return {field.replace("_", sign) for sign in ("_", "-", "")}


def _hints() -> SchemaValidator:
    """One pass over the text, whatever it is: the expressions of pydantic look for all words at once, in a fifth of a
    microsecond where the text is short. Signs that JSON spells by numbers may spell anything."""
    words = [re.escape(literal) for literal, name, _ in _SHAPES if name not in ("password", "url_password")]
    more = [_NAMES, f"://{_URL_HINT}", re.escape(MARK), r"\\[u/]"]
    return SchemaValidator(str_schema(pattern="(?i)" + "|".join([*words, *more])))


_SHAPES = _shapes()
may_hold: Callable[[str], bool] = _hints().isinstance_python
"""Whether a look for secrets in a text, or in the text of JSON, is worth its time: False is certain, True is not."""
