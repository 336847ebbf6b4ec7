"""One AWS session: region, credentials, endpoints, and whether the endpoint is a sandbox."""

from pathlib import Path

import pytest

from retable.runner.aws.session import connect
from retable.runner.failure import Refused, Stopped
from retable.runner.sandbox.server import SandboxServer
from support.sink import all_written, sink

KEYS = {"AWS_ACCESS_KEY_ID": "LOADER", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the AWS files of whoever runs the tests out, and return ours."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def test_the_specs_region_comes_before_the_environments() -> None:
    environ = {**KEYS, "AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "us-east-1"}
    assert connect("eu-west-1", environ=environ).region == "eu-west-1"
    assert connect(None, environ=environ).region == "eu-north-1"
    assert connect(None, environ={"AWS_DEFAULT_REGION": "us-east-1"}).region == "us-east-1"


def test_the_region_of_the_profile_counts_too(no_files: Path) -> None:
    (no_files / "config").write_text("[profile work]\nregion = ap-south-1\n")
    assert connect(None, environ={"AWS_PROFILE": "work"}).region == "ap-south-1"


def test_without_a_region_the_variable_to_set_is_named() -> None:
    with pytest.raises(Refused) as caught:
        connect(None, environ=KEYS)
    assert "AWS_REGION" in str(caught.value.hint)


def test_a_profile_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="the AWS profile nope does not exist"):
        connect(None, environ={"AWS_PROFILE": "nope"})


def test_the_processs_profile_does_not_apply_to_another_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    aws = connect("eu-west-1", environ=KEYS)
    assert aws.credentials().access_key == "LOADER"


def test_without_credentials_the_variables_to_set_are_named() -> None:
    with pytest.raises(Stopped, match="no AWS credentials were found") as caught:
        connect("eu-west-1", environ={}).credentials()
    assert "AWS_PROFILE" in str(caught.value.hint)


def test_without_an_endpoint_botocores_rules_give_the_address() -> None:
    aws = connect("eu-west-1", environ=KEYS)
    assert aws.dynamodb_url == "https://dynamodb.eu-west-1.amazonaws.com"
    assert not aws.is_loopback
    china = connect("cn-north-1", environ=KEYS)
    assert china.dynamodb_url == "https://dynamodb.cn-north-1.amazonaws.com.cn"


def test_a_services_own_endpoint_is_for_that_service_alone() -> None:
    environ = {
        **KEYS,
        "AWS_ENDPOINT_URL": "http://localhost:1000",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:2000",
    }
    aws = connect("eu-west-1", environ=environ)
    assert aws.dynamodb_url == "http://localhost:2000"
    assert aws.objects._client.meta.endpoint_url == "http://localhost:1000"  # noqa: SLF001 -- no call is made
    ignoring = connect(
        "eu-west-1", environ={**environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    )
    assert ignoring.dynamodb_url == "https://dynamodb.eu-west-1.amazonaws.com"


def test_a_sandbox_is_distinguished_from_any_other_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A proxy must not be asked for this machine's own ports.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with SandboxServer() as server:
        aws = connect(None, environ=server.environment())
        assert aws.is_sandbox()
        assert aws.identity().principals == ("arn:aws:iam::123456789012:user/migrate",)
    with sink(all_written) as (_, other):
        assert not other.is_sandbox()
    assert not connect("eu-west-1", environ=KEYS).is_sandbox()


def test_an_absent_endpoint_is_not_a_sandbox_and_is_named() -> None:
    aws = connect("eu-west-1", environ={**KEYS, "AWS_ENDPOINT_URL": "http://localhost:9"})
    assert not aws.is_sandbox()
    with pytest.raises(Stopped, match=r"localhost:9.* cannot be reached"):
        aws.identity()


def test_certificate_authorities_come_from_where_aws_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    assert connect("eu-west-1", environ=KEYS).ca_bundle is None
    named = {**KEYS, "REQUESTS_CA_BUNDLE": "/b.pem"}
    assert connect("eu-west-1", environ=named).ca_bundle == "/b.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", "/a.pem")
    assert connect("eu-west-1", environ=named).ca_bundle == "/a.pem"
