"""Writing files into a folder that others may write to: proven bytes, through no link, over nothing that stands there."""
