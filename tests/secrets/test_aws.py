"""AWS Secrets Manager: what it answers, as boto3 tells it."""

from __future__ import annotations

import boto3
import pytest

from adapters.secrets.aws import AwsSecretsManager
from engine.model.errors import FatalError, RetryableError

NAME = "TSTREAM_PROJECTX_KEY"


def test_what_is_no_table_of_ours_is_told_without_its_content(aws_endpoint: str) -> None:
    client = boto3.client("secretsmanager", region_name="eu-north-1", endpoint_url=aws_endpoint)
    client.create_secret(Name="mine", SecretString="canary-not-json")
    client.create_secret(Name="binary", SecretBinary=b"canary")
    for secret in ("mine", "binary"):
        with pytest.raises(FatalError) as refused:
            AwsSecretsManager(secret, "eu-north-1", aws_endpoint).read([NAME])
        assert "canary" not in str(refused.value)


def test_a_secret_that_is_going_is_told(aws_endpoint: str) -> None:
    store = AwsSecretsManager("tstream", "eu-north-1", aws_endpoint)
    store.set(NAME, "canary")
    client = boto3.client("secretsmanager", region_name="eu-north-1", endpoint_url=aws_endpoint)
    client.delete_secret(SecretId="tstream")
    with pytest.raises(FatalError, match="InvalidRequestException"):
        store.read([NAME])


def test_nobody_there_is_tried_again_later(aws_login: None) -> None:
    with pytest.raises(RetryableError, match="can't be reached"):
        AwsSecretsManager("tstream", "eu-north-1", "http://127.0.0.1:9").read([NAME])


def test_without_credentials_or_region_a_person_is_told(
    aws_login: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FatalError, match="region"):
        AwsSecretsManager("tstream").read([NAME])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(FatalError, match="credentials"):
        AwsSecretsManager("tstream", "eu-north-1", "http://127.0.0.1:9").read([NAME])
