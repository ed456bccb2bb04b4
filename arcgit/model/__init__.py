"""What things are: pure values and their text forms. No I/O, no clock, no environment."""
