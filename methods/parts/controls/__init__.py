"""The parts of the controls: nets that are guessed, and learners that see a window."""
