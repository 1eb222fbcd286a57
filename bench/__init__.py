"""Benchmarks: speed is measured here, never asserted in a test. Each ends with a JSON line."""
