"""The command line: parse, call one use case, print, return an exit code."""
