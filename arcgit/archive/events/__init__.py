"""What people say of records: a signed event for each, all of them written by `append`."""
