"""Figures as a page, made from the JSON that is kept beside it."""

from __future__ import annotations

from typing import Any

from benchmarks.sections import SECTIONS, Row, table


def page(results: dict[str, Any]) -> str:
    """Return the page of all results."""
    head = """# Results

Made by `python -m benchmarks`; the numbers are in `results.json`. Ratios are taken side by side in
one run, ours and theirs in turn after a warm-up; brackets hold the smallest and largest. "x" is how
many times as fast pspy_dask is. Libraries have one thread each.
"""
    if "kernels" in results or "recipes" in results or "scaling" in results:
        head += "\n![Ratios and scaling](results.png)\n"
    parts = [head]
    for name, make in SECTIONS.items():
        if name in results:
            parts += [make(results[name]), taken(results["taken"][name])]
    return "\n".join(parts)


def taken(found: Row) -> str:
    """Return where and when a section was measured."""
    libraries = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    when = f"{found['date']}, {found['commit']}" if "commit" in found else found["date"]
    return f"<sub>{found['machine']}; {when}; {found['runs']} runs; {libraries}.</sub>\n"


def headline(results: dict[str, Any]) -> str:
    """Return the table of the README: ratios alone."""
    compared = [*results.get("kernels", []), *results.get("pixels", {"rows": []})["rows"]]
    rows = [[r["name"], r["against"], f"{r['ratio']:.1f}x"] for r in compared]
    for r in results.get("recipes", {"rows": []})["rows"]:
        if r["who"] == "scikit-image":
            what = f"recipe on {r['side']} x {r['side']}: {r['recipe']}"
            rows.append([what, "scikit-image, in memory", f"{r['ratio']:.1f}x"])
    return table(["what", "against", "as fast, one core"], rows)
