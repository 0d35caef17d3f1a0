"""axedge: a tiny int8 network that knows when it may be trusted, in place of an expensive function."""
