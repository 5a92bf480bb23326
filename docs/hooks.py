"""What MkDocs asks while it builds the site: results/ lies beside docs/, and is part of the site."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SHOWN = ("*.svg", "README.md", "summary.md")
"""The files of results/ that pages show or link to."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what pages show of results/, under that name."""
    root = Path(config.docs_dir).parent
    for pattern in SHOWN:
        for path in sorted((root / "results").rglob(pattern)):
            if "local" not in path.parts:
                files.append(
                    File(str(path.relative_to(root)), str(root), config.site_dir, config.use_directory_urls)
                )
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links between docs/ and results/, as they are in a clone, lead within the site."""
    return re.sub(r"\]\(\.\./(results/[^)]*)\)", r"](\1)", markdown).replace("](../docs/", "](../")
