"""The plugin folder of methods: one file a remedy."""
