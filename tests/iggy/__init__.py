"""A stand-in for the Apache Iggy server: as much of its protocol as the real client library needs for our tests."""
