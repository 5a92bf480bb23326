"""The tanh cell, and its passes in torch and compiled."""
