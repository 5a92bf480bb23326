"""The reservoir, its readout, and the features it reads."""
