"""What tasks are made of: seeded draws, symbols, masks."""
