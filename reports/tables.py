"""summary.csv, summary.md and summary.tex: one row a case."""

from __future__ import annotations

import math
import re
from typing import Any

from longlag.reports import reach
from longlag.reports.controls import certificates
from longlag.reports.extrapolations import NOTE as LONGER
from longlag.reports.extrapolations import extrapolated
from longlag.reports.formats import NONE, interval, number, percent, tally
from longlag.reports.results import Results

HEAD = ["Task", "Lag", "Method", "Solved", "95% interval", "FLOPs to solve", "Expected FLOPs", "Error",
        "Chance", "Unsolved"]  # fmt: skip
TUNING_HEAD = ["Task", "Lag", "Method", "Trials", "Best in tuning", "Mean of retests", "Gap"]
NOTE = (
    "Retests on fresh seeds and fresh data. Solved: runs that solved the task, with Wilson's interval. "
    "FLOPs to solve: median over the solved runs. Expected FLOPs: all that the retests spent over the number "
    "solved. Error: median share of fresh sequences answered wrongly; chance: that share for the trivial "
    "predictor."
)


def as_csv(results: Results) -> str:
    """Every column of the summary, full precision."""
    cases = results.cases if results.several else results.cases.drop(columns="campaign")
    return cases.to_csv(index=False)


def as_markdown(results: Results) -> str:
    """The lag frontier, the cases and the tuning gap, as GitHub tables."""
    return "\n".join(
        [
            f"# {_markdown(', '.join(results.campaigns))}",
            "",
            *([_markdown(results.unfinished), ""] if results.unfinished else []),
            "## Lag frontier T\\*",
            "",
            *_markdown_table(*reach.table(results)),
            "",
            "The longest lag up to which at least 90% of the retests solve the task at every lag tried. In",
            "brackets: where, with 95% certainty, the rate falls to 90%, by a logistic fit over the log lag.",
            "",
            *_certified(results),
            "## Cases",
            "",
            *_markdown_table(HEAD, [case_row(row) for row in results.cases.itertuples()], results),
            "",
            NOTE,
            "",
            *_longer(results),
            "## Tuning against retests",
            "",
            *_markdown_table(TUNING_HEAD, [tuning_row(row) for row in results.cases.itertuples()], results),
            "",
            "Scores, lower is better; a best of many trials is optimistic, the gap says by how much.",
            "",
        ]
    )


def _certified(results: Results) -> list[str]:
    """What the controls came to; nothing where there are none."""
    found = certificates(results)
    lines = [f"- {_markdown(panel.label)} at lag {lag}: {_markdown(said)}." for panel, lag, said in found]
    return ["## Is it the lag?", "", *lines, ""] if lines else []


def _longer(results: Results) -> list[str]:
    """What was asked at longer lags than it was trained at; nothing where nothing was."""
    found = extrapolated(results)
    if not found.rows:
        return []
    head = ["Task", "Lag", "Method", "Runs", "Reaches", *(f"{factor} T" for factor in found.factors)]
    head, rows = (["Campaign", *head] if results.several else head), []
    for each in found.rows:
        cells = [f"not asked: {each.why}", *[NONE] * (len(found.factors) - 1)] if each.why else each.cells
        case = [f"{each.task}:{each.variant}", str(each.lag), each.method]
        row = [*case, str(each.runs), each.reaches, *cells]
        rows.append([each.campaign, *row] if results.several else row)
    return ["## Trained at T, tested at longer lags", "", *_markdown_table(head, rows), "", LONGER, ""]


def as_latex(results: Results) -> str:
    r"""The cases as a booktabs table, ready for `\input`."""
    head, rows = HEAD, [case_row(row) for row in results.cases.itertuples()]
    head, rows = _with_campaign(head, rows, results)
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage{graphicx}",
        "\\begin{table}",
        "  \\centering",
        "  \\caption{" + _latex(NOTE) + "}",
        "  \\label{tab:longlag}",
        "  \\resizebox{\\linewidth}{!}{%",
        "  \\begin{tabular}{" + "".join("r" if name in RIGHT else "l" for name in head) + "}",
        "    \\toprule",
        "    " + " & ".join(map(_latex, head)) + " \\\\",
        "    \\midrule",
        *("    " + " & ".join(map(_latex, row)) + " \\\\" for row in rows),
        "    \\bottomrule",
        "  \\end{tabular}}",
        "\\end{table}",
        "",
    ]
    return "\n".join(lines)


RIGHT = {"Lag", "Solved", "FLOPs to solve", "Expected FLOPs", "Error", "Chance"}


def case_row(case: Any) -> list[str]:
    """A case, in the order of `HEAD`."""
    median = number(case.median_flops_to_solve)
    if not math.isnan(case.median_flops_low):
        median += f" [{number(case.median_flops_low)}, {number(case.median_flops_high)}]"
    return [
        f"{case.task}:{case.variant}",
        str(case.lag),
        case.method,
        tally(case.solved, case.n),
        interval(case.low, case.high),
        median,
        number(case.expected_flops_to_solve),
        percent(case.median_error),
        percent(case.chance),
        case.outcomes or NONE,
    ]


def tuning_row(case: Any) -> list[str]:
    """A case's tuning, in the order of `TUNING_HEAD`."""
    scores = (case.best_tuning_score, case.mean_retest_score, case.gap)
    return [
        f"{case.task}:{case.variant}",
        str(case.lag),
        case.method,
        str(case.trials),
        *(number(float(score)) for score in scores),
    ]


def _with_campaign(
    head: list[str], rows: list[list[str]], results: Results
) -> tuple[list[str], list[list[str]]]:
    if not results.several:
        return head, rows
    return ["Campaign", *head], [
        [str(name), *row] for name, row in zip(results.cases["campaign"], rows, strict=True)
    ]


def _markdown_table(head: list[str], rows: list[list[str]], results: Results | None = None) -> list[str]:
    if results is not None:
        head, rows = _with_campaign(head, rows, results)
    lines = [head, ["---:" if name in RIGHT else "---" for name in head], *rows]
    return [
        "| " + " | ".join(cell if index == 1 else _markdown(cell) for cell in line) + " |"
        for index, line in enumerate(lines)
    ]


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
