"""What every room may use: errors that carry help, redaction of secrets, tracing, buckets of time."""
