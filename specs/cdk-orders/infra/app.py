"""The CDK app of the orders table: ``cdk deploy -c orders-table=absent`` picks a state of it."""

import aws_cdk as cdk
from orders_stack import OrdersStack

app = cdk.App()
# Nothing here has assets, so a legacy synthesizer spares the account its bootstrapping.
OrdersStack(app, "OrdersStack", synthesizer=cdk.LegacyStackSynthesizer())
app.synth()
