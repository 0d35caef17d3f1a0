"""What the generated engine costs, in instructions, flash and RAM, on emulated cores. Run: python -m benchmarks.engine."""
