"""Deploys the CDK app of a spec into a sandbox, so that its stack creates the source table."""

import os
import tempfile
from pathlib import Path

from retable.runner.cdk.cdk_cli import UNWATCHED, Deployment, cdk_environment, open_cdk
from retable.runner.cdk.child_process import Ended
from retable.runner.cdk.locate import find_stack
from retable.runner.clock import Clock
from retable.runner.failure import Refused
from retable.runner.sandbox.sandbox_options import ACCESS_KEY, ACCOUNT, DEFAULT_REGION
from retable.schema.spec import CdkProvision, CdkVariant, Spec

CHANGE_SET = "retable-sandbox"


def deploy_app(endpoint: str, spec: Spec, variant: CdkVariant, clock: Clock) -> None:
    """Deploy one state of the app of ``spec`` to the sandbox at ``endpoint``.

    Raises:
        Refused: the spec names no app, the app or its deployment fails, or there is no CDK.
    """
    provision = spec.rebuild.provision
    if not isinstance(provision, CdkProvision) or variant.context is None:
        message = "sandbox.stack is a context of the app of rebuild.provision"
        raise Refused(message, "write sandbox.stack as {context: {…}} beside provision.with: cdk")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ = cdk_environment(
        {
            **own,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        spec.source.region or DEFAULT_REGION,
        ACCOUNT,
    )
    with tempfile.TemporaryDirectory(prefix="retable-") as name:
        cdk = open_cdk(spec.origin.folder / provision.app, environ, Path(name), clock)
        assembly = cdk.synthesize(variant.context, Path(name) / "cdk.out")
        deployment = Deployment(
            assembly=assembly,
            stack=find_stack(assembly, provision.stack),
            change_set=CHANGE_SET,
        )
        _require_deployed(cdk.deploy(deployment, UNWATCHED))


def _require_deployed(ended: Ended) -> None:
    if ended.code:
        last = " | ".join(line for line in ended.lines[-5:] if line.strip())
        message = f"the stack could not be deployed to the sandbox: {last}"
        raise Refused(message, "deploy the app of rebuild.provision by hand to see why")
