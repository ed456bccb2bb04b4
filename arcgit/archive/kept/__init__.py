"""What is kept at hand so that it need not be read or judged again; all of it may be deleted at any time."""
