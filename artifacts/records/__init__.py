"""The records behind every .json of `out/`: one module a stage."""
