"""A stand-in for the Apache Iggy server, with the part of its protocol that the client library needs in the tests."""
