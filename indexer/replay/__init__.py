"""A recorded chain served as a node: for the demo and the tests."""
