"""The CDK app of the orders table: ``cdk deploy -c orders-table=absent`` selects a state."""

import aws_cdk as cdk
from orders_stack import OrdersStack

app = cdk.App()
# There are no assets, so with the legacy synthesizer the account needs no bootstrapping.
OrdersStack(app, "OrdersStack", synthesizer=cdk.LegacyStackSynthesizer())
app.synth()
