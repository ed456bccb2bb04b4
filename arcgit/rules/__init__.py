"""What must hold: values in, findings out. No I/O, no clock, no environment."""
