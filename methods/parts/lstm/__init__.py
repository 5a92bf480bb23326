"""The LSTM cell, and how its gates start."""
