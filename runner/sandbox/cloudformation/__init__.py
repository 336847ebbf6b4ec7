"""CloudFormation's rules, as far as tables and what stands beside them need them."""
