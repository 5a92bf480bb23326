"""The plugin folder of tasks: one file a task family."""
