"""Secrets to plant: one of each known shape. Put together here, so that no scanner takes this file for a leak."""

_KEY = "0123456789abcdefghijABCDEFGHIJ0123456789"
_WORD = "hunter2-and-more"

WORDS: dict[str, tuple[str, ...]] = {
    "aws_key": ("AKIA" + "Q" * 16, "ASIA" + "7" * 16),
    "google_key": ("AIza" + _KEY[:35],),
    "google_token": ("ya29." + _KEY, "GOCSPX-" + _KEY),
    "github_token": ("ghp_" + _KEY, "github_pat_" + _KEY),
    "gitlab_token": ("glpat-" + _KEY,),
    "slack_token": ("xoxb-" + _KEY, "xapp-" + _KEY),
    "stripe_key": ("sk_live_" + _KEY, "whsec_" + _KEY),
    "model_key": ("sk-" + "ant-" + _KEY, "sk-" + _KEY),
    "model_hub_token": ("hf_" + _KEY,),
    "registry_token": ("npm_" + _KEY, "pypi-" + _KEY),
    "cloud_token": ("dop_v1_" + "0a" * 32, "dapi" + "0a" * 16),
    "foldgate_key": ("fg_" + "q2" * 6 + "_" + _KEY + "-_a",),
    "vault_token": ("hvs." + _KEY,),
    "mail_key": ("SG." + _KEY[:22] + "." + _KEY,),
    "shop_token": ("shpat_" + "0a" * 16,),
    "tracker_token": ("lin_api_" + _KEY,),
    "private_key": (
        "AGE-SECRET-KEY-1" + "Q" * 58,
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE" + _KEY + "\n-----END RSA PRIVATE KEY-----",
    ),
    "jwt": ("eyJ" + _KEY + ".eyJ" + _KEY + "." + _KEY,),
}
"""Whole secrets, by the names of their shapes."""

WITHIN: dict[str, tuple[tuple[str, str], ...]] = {
    "url_password": (("postgres://ada:", _WORD), ("https://:", _WORD)),
    "authorization": (("Bearer ", _KEY), ("basic ", "YWRhOmh1bnRlcjI=")),
    "password": (
        *(("password=", _WORD), ("API_KEY: '", _WORD), ("'secret-key':'", _WORD), ("pwd = ", _WORD)),
        ("{\\'passphrase\\': \\'", _WORD),
    ),
}
"""Secrets within texts: what stands before each, and the secret."""
ENDS = {"url_password": "@db/x", "authorization": " and so on", "password": "'"}
"""What stands behind it."""
WORD = _WORD
EVERYTHING = tuple(secret for several in WORDS.values() for secret in several)
