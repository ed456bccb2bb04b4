"""Writing files into a folder that others may write to as well: only proven bytes, through no link, over nothing that stands there."""
