"""Where trials run: worker processes here, or a cluster's."""
