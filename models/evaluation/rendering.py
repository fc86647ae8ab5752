"""Blocks as Markdown, for the bundle's card, and as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from models.evaluation.blocks import Block, Caution, Figure, Heading, Paragraph, Table

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
th, td {{ border: 1px solid #bbb; padding: .25rem .6rem; text-align: left; vertical-align: top; }}
.caution {{ border-left: .4rem solid #b00020; background: #fdecef; padding: .5rem .8rem; }}
figure {{ margin: 1rem 0; }}
figcaption {{ color: #444; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return Markdown, one newline at its end, without the figures: a console shows no picture.

    What a figure shows stands in a table, too.
    """
    told = [_markdown(block) for block in blocks if not isinstance(block, Figure)]
    return "\n\n".join(told) + "\n"


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """Return a whole page, pictures in it, without a script, a link or anything to load."""
    body = "\n".join(_html(block) for block in blocks)
    return _PAGE.format(title=escape(title), body=body)


def _markdown(block: Heading | Paragraph | Caution | Table) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {block.text}"
        case Caution():
            return f"> **{block.text}**"
        case Paragraph():
            return block.text
        case Table():
            lines = [block.header, ["---"] * len(block.header), *block.rows]
            return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
        case Caution():
            return f'<p class="caution"><strong>{escape(block.text)}</strong></p>'
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Figure():
            caption = escape(block.caption)
            return f"<figure>\n{block.svg}\n<figcaption>{caption}</figcaption>\n</figure>"
        case Table():
            head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in block.header)
            rows = "\n".join(_row(row) for row in block.rows)
            return f"<table>\n<tr>{head}</tr>\n{rows}\n</table>"


def _row(row: Sequence[str]) -> str:
    first, *rest = row
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
