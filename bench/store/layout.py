"""The files that a campaign leaves in its folder."""

MANIFEST, TRIALS, CURVES, PROBES = "manifest.json", "trials.parquet", "curves.parquet", "probes.parquet"
EXTRAPOLATION = "extrapolation.parquet"
JOURNAL, LEFT_OUT, STUDIES, LOCK = "journal.jsonl", "left_out.jsonl", "studies.log", ".lock"
BEGINNINGS = (LOCK, MANIFEST + ".new")
"""What a campaign leaves that was killed before it had a manifest."""
