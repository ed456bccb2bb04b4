"""Signatures: made by the person's own GnuPG or ssh-keygen, verified in process against keys that the caller gives."""
