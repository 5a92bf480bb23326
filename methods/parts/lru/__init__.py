"""The linear recurrent unit: a complex diagonal recurrence between matrices."""
