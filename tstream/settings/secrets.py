"""The section [secrets] of tstream.toml: where keys, tokens and passwords are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from tstream.settings.fields import Section, setting
from tstream.settings.sections import BaseUrl

Place = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9/_+=.@:-]+$")]
"""A name or path at the keeper of secrets."""
_PLACE = "letters, digits and / _ + = . @ : -"


class SecretsSettings(Section):
    """Where logins, tokens and passwords are kept, beside the environment and .env, which count before it
    (operations.md#secrets). What opens the store comes from the environment or .env alone: MASTER_PASSWORD;
    VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID; the login of AWS as its tools take it.
    """

    store: Literal["", "file", "keyring", "aws", "vault"] = setting(
        "",
        "Which store: file is encrypted under a password, keyring is the desktop's, aws is AWS Secrets "
        "Manager, vault is HashiCorp Vault. Empty: environment and .env alone.",
        allowed="one of file, keyring, aws, vault, or empty",
    )
    file: str = setting(
        "",
        "The encrypted file; a relative one is beside the settings.",
        max_length=500,
        default="`secrets.json` beside the settings",
    )
    keyring_service: Place = setting("tstream", "Under which service the keyring has them.", allowed=_PLACE)
    aws_secret: Place = setting("tstream", "Name or ARN of the secret.", allowed="a name or an ARN")
    aws_region: str = setting("", "Its region.", max_length=40, default="that of AWS_REGION or the profile")
    aws_url: BaseUrl = setting("", "Another address of the service.", default="that of the region")
    vault_url: BaseUrl = setting("", "Address of the server.", default="VAULT_ADDR")
    vault_mount: Place = setting(
        "secret", "Where its KV engine of version 2 is mounted.", allowed=_PLACE, default='`"secret"`'
    )
    vault_path: Place = setting("tstream", "Path of the secret there.", allowed=_PLACE)
    vault_namespace: str = setting("", "Its namespace.", max_length=200, default="VAULT_NAMESPACE")
    vault_ca: str = setting(
        "", "A PEM file of who signed its certificate.", max_length=500, default="VAULT_CACERT"
    )
