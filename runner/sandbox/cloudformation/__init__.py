"""CloudFormation's rules, as far as tables and the resources beside them need them."""
