"""botocore's clients and signer under the tests' clock, and moto's server: what the tests of AWS share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import boto3
import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from recallgate.testing.exchanges import NOW

KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1"
ACCOUNT = {"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION}
AUTHORIZATION = {
    "header authorization": "signs other bytes (JSON is spaced and escaped otherwise); compared by botocore's signer"
}


def freeze(monkeypatch: pytest.MonkeyPatch, now: datetime = NOW) -> None:
    """botocore signs at the tests' instant."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)


def a_client(service: str, url: str) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    return boto3.client(service, region_name=REGION, endpoint_url=url, config=config, **keys)


def botocore_signs(request: httpx.Request, service: str, *, token: str | None = None) -> str:
    """The Authorization that botocore's signer puts on our request; its clock must be frozen."""
    theirs = AWSRequest(request.method, str(request.url), data=request.content)
    for name in ("content-type", "x-amz-target"):
        if name in request.headers:
            theirs.headers[name] = request.headers[name]
    botocore.auth.SigV4Auth(Credentials(KEY, SECRET, token), service, REGION).add_auth(theirs)
    return str(theirs.headers["Authorization"])


@contextmanager
def moto() -> Iterator[str]:
    """The address of a server that answers as AWS does; it does not check signatures."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    finally:
        server.stop()
