"""AWS Secrets Manager: one secret whose text is a JSON object of names and values.

Who asks is found as boto3 finds it: variables, profile, or the role of the machine. It needs
secretsmanager:GetSecretValue, and to write PutSecretValue and CreateSecret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from adapters.common.redaction import scrub
from adapters.secrets.bounds import MOST, checked, some, told
from engine.model.errors import FatalError, RefusedError, RetryableError

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")

_CONNECT_S, _ANSWER_S, _TRIES = 4.0, 8.0, 2
_LONGEST = 65_536
"""Bytes of a secret's text, by AWS's own bound."""
_LATER = ("ThrottlingException", "InternalServiceError", "ServiceUnavailable", "InternalFailure")
_ABSENT = "ResourceNotFoundException"


class AwsSecretsManager:
    """The secret of one name in one region. Read when it is asked for; nothing is kept between."""

    kind = "aws"

    def __init__(self, secret: str, region: str = "", endpoint: str = "") -> None:
        """`endpoint` stands in for the region's own address."""
        self._secret = secret
        self._region = region
        self._endpoint = endpoint
        self._made: BaseClient | None = None

    @property
    def where(self) -> str:
        return f"AWS Secrets Manager, {self._secret}"

    def read(self, names: Iterable[str]) -> dict[str, str]:
        return some(self._content() or {}, names)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._content() or {}))

    def set(self, name: str, value: str) -> None:
        content = self._content()
        self._write({**(content or {}), name: checked(name, value)}, fresh=content is None)

    def remove(self, name: str) -> None:
        content = self._content() or {}
        if content.pop(name, None) is not None:
            self._write(content, fresh=False)

    def _content(self) -> dict[str, str] | None:
        """None where there is no such secret."""
        client = self._client()
        answer = self._call(lambda: client.get_secret_value(SecretId=self._secret), absent=True)
        if answer is None:
            return None
        text = answer.get("SecretString")
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise FatalError(f"{self.where} holds no text of tstream's")
        try:
            return told(msgspec.json.decode(text), self.where)
        except msgspec.DecodeError:
            raise FatalError(f"{self.where} is no JSON object of names and values") from None

    def _write(self, content: dict[str, str], *, fresh: bool) -> None:
        text = msgspec.json.encode(content, order="sorted").decode()
        if len(content) > MOST or len(text.encode()) > _LONGEST:
            raise RefusedError(f"{self.where} holds {MOST} secrets and 64 KiB at most")
        client = self._client()
        if fresh:
            self._call(lambda: client.create_secret(Name=self._secret, SecretString=text))
        else:
            self._call(lambda: client.put_secret_value(SecretId=self._secret, SecretString=text))

    def _call(self, ask: Callable[[], T], *, absent: bool = False) -> T | None:
        """Ask AWS; None where the secret is `absent` and may be. What libraries say is scrubbed."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as Unreached

        try:
            return ask()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if absent and code == _ABSENT:
                return None
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _LATER or status >= 500:
                raise RetryableError(f"{self.where} can't answer now ({scrub(code)})") from None
            raise FatalError(f"{self.where} refuses: {scrub(code)}") from None
        except (Unreached, HTTPClientError) as error:
            raise RetryableError(f"{self.where} can't be reached ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise FatalError(f"{self.where}: {scrub(error)}") from None

    def _client(self) -> Any:
        if self._made is None:
            try:
                import boto3
                from botocore.config import Config
                from botocore.exceptions import BotoCoreError
            except ImportError:
                raise FatalError("AWS Secrets Manager needs a package: pip install 'tstream[aws]'") from None
            how = Config(
                connect_timeout=_CONNECT_S,
                read_timeout=_ANSWER_S,
                retries={"total_max_attempts": _TRIES, "mode": "standard"},
            )
            try:
                self._made = boto3.session.Session().client(
                    "secretsmanager",
                    region_name=self._region or None,
                    endpoint_url=self._endpoint or None,
                    config=how,
                )
            except (BotoCoreError, ValueError) as error:
                raise FatalError(f"{self.where}: {scrub(error)}") from None
        return self._made
