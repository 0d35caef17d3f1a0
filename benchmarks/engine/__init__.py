"""What the generated engine costs on emulated cores: instructions, flash, RAM. Run: python -m benchmarks.engine."""
