"""The summary as CSV, Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable

from longlag.reports import formats, reach
from longlag.reports.results import Results
from longlag.reports.sheets import Sheet, sheets


def as_csv(results: Results) -> str:
    """One row a case, every column, full precision."""
    cases = results.cases if results.several else results.cases.drop(columns="campaign")
    return cases.to_csv(index=False)


def as_markdown(results: Results) -> str:
    """Every sheet as a GitHub table."""
    lines = [f"# {_markdown(', '.join(results.campaigns))}", ""]
    for said in results.notes:
        lines += [_markdown(said), ""]
    for sheet in sheets(results):
        lines += sheet_markdown(sheet)
    return "\n".join(lines)


def sheet_markdown(sheet: Sheet) -> list[str]:
    """The lines of one sheet, from its heading to its note."""
    rows = [[_markdown(cell) for cell in row] for row in sheet.rows]
    table = formats.markdown([_markdown(name) for name in sheet.head], rows, sheet.right)
    note = [_markdown(sheet.note), ""] if sheet.note else []
    return [f"## {_markdown(sheet.title)}", "", *table, "", *note]


def as_latex(results: Results) -> str:
    r"""Every sheet as a booktabs table, ready for `\input`."""
    return LATEX_HEAD + "\n".join(map(sheet_latex, sheets(results)))


LATEX_HEAD = "% needs \\usepackage{booktabs} and \\usepackage{graphicx}\n"

FORMATS: dict[str, tuple[str, Callable[[Results], str]]] = {
    "csv": ("summary.csv", as_csv),
    "markdown": ("summary.md", as_markdown),
    "latex": ("summary.tex", as_latex),
}
"""How the summary can be written, and the file that it is written to."""
SUMMARY: dict[str, Callable[[Results], str | None]] = {
    **dict(FORMATS.values()),
    "frontier.svg": reach.picture,
}
"""By their files' names the tables and the figure of a campaign, and what makes each."""


def sheet_latex(sheet: Sheet) -> str:
    """One sheet as a booktabs table."""
    lines = [
        "\\begin{table}",
        "  \\centering",
        "  \\caption{" + _latex(_sentence(sheet.title) + sheet.note) + "}",
        "  \\label{tab:longlag-" + sheet.name + "}",
        "  \\resizebox{\\linewidth}{!}{%",
        "  \\begin{tabular}{"
        + "".join("r" if column in sheet.right else "l" for column in range(len(sheet.head)))
        + "}",
        "    \\toprule",
        "    " + " & ".join(map(_latex, sheet.head)) + " \\\\",
        "    \\midrule",
        *("    " + " & ".join(map(_latex, row)) + " \\\\" for row in sheet.rows),
        "    \\bottomrule",
        "  \\end{tabular}}",
        "\\end{table}",
        "",
    ]
    return "\n".join(lines)


def _sentence(title: str) -> str:
    return title + ("" if title.endswith("?") else ".") + " "


def _markdown(text: str) -> str:
    """`text` so that Markdown and the HTML inside it show it as it is."""
    escaped = re.sub(r"([\\`*|#~]|(?<=\])\()", r"\\\1", re.sub(r"\s+", " ", text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "≥": r"$\ge$",
    "∞": r"$\infty$",
    "−": "$-$",
    "·": r"\textperiodcentered{}",
    "–": "--",
    "\n": " ",
}


def _latex(text: str) -> str:
    """`text` with TeX's own characters escaped, and 3.2e9 set as a power of ten."""
    pieces = re.split(r"((?<![\w.])\d+(?:\.\d+)?e-?\d+(?!\w))", text)
    return "".join(
        _power(piece) if index % 2 else "".join(LATEX.get(sign, sign) for sign in piece)
        for index, piece in enumerate(pieces)
    )


def _power(text: str) -> str:
    mantissa, exponent = text.split("e")
    return f"${mantissa}\\times10^{{{exponent}}}$"
