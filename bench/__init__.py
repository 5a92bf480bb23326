"""LongLag's engine: what runs, tunes, stores and scores. It knows no remedy and no task by name."""
