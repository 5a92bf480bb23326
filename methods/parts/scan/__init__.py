"""Elementwise linear recurrences: the scan that computes them, its compiled passes, and layers made of it."""
