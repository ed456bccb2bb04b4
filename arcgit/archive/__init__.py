"""The use cases, one a file. Each takes typed arguments and returns a value; none of them prints."""
