"""The selective state-space layer: a diagonal recurrence whose rates the inputs choose."""
