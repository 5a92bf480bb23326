"""The colours of the gallery: a method's are those of every report; and what stands for a number.

The page gets them from here, by name and as data of its exhibits, so that a figure and the page agree.
"""

from __future__ import annotations

from longlag.reports.palette import KNOWN, looks

METHOD = {name: look.colour for name, look in looks(KNOWN).items()}
"""A method's colour."""
TIMER = {"wanted": "#0072B2", "net": "#E69F00"}
"""What the timer shall give, and the net that learned it: blue and orange."""
COMPRESSORS = {"gzip": "#E69F00", "bzip2": "#44AA99", "xz": "#999933"}
"""Those of what is no method and stands beside one."""
LETTERS = ["#e24947", "#0c9c82", "#bc55c4", "#848f02", "#4c7df7", "#c9690c",
           "#0698a4", "#d8488c", "#11a22f", "#9167ea", "#a87f09", "#0891c9"]  # fmt: skip
"""Of the first letter of a word, of the next that is another, and so on: hues far apart and equally light,
so that they show on a light and on a dark page."""
SIGNED = ["#2166ac", "#f7f7f7", "#b2182b"]
"""From the least to the greatest of numbers of either sign, nothing in the middle."""
DEPTH = ["#ffffff", "#e3bd80"]
"""From the least to the greatest of numbers that are none below zero."""
