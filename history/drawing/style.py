"""Colours for pictures that stand alone: those of static/css/tokens.css, light, without variables, as not every viewer
knows them."""

KEYS = {
    "p50": "#2f8f92",
    "p90": "#566384",
    "p95": "#1f56b5",
    "p99": "#b06a12",
    "tps": "#0d6072",
    "asked": "#6b787e",
    "err": "#c0362c",
    "vus": "#566384",
    "base": "#7b878c",
    "target": "#b0241c",
    "checks": "#176a3b",
    "sent": "#6a3d9a",
    "received": "#0d6072",
    "run1": "#1f56b5",
    "run2": "#b06a12",
    "run3": "#2f8f92",
    "run4": "#6a3d9a",
    "run5": "#5d6a70",
}
HEAT = ("#edf3f4", "#dee9eb", "#cfe3e6", "#b6d5da", "#9dc7ce", "#7cb3bd", "#5a9fab", "#3f8a9b", "#23748a", "#083f52")


def _rules() -> str:
    found = [
        '.drawn{font-family:-apple-system,"Segoe UI",Roboto,"Apple SD Gothic Neo","Malgun Gothic","Noto Sans CJK KR",'
        "sans-serif;font-variant-numeric:tabular-nums;max-width:100%;height:auto}",
        ".drawn text{fill:#5d6a70}.drawn .goal{fill:#b0241c}.drawn a{cursor:pointer}",
        ".drawn .halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}",
        ".drawn .grid{stroke:#e1e6e7}.drawn .edge{stroke:#c8d0d2}.drawn .band{fill:#f5f8f8}.drawn .bar{fill:#5a9fab}",
        ".drawn .area{opacity:.14}.drawn .ring{fill:#fff;stroke-width:2}",
    ]
    for key, colour in KEYS.items():
        found.append(
            f".drawn .line.k-{key}{{stroke:{colour}}}.drawn .area.k-{key},.drawn .dot.k-{key}{{fill:{colour}}}"
        )
        found.append(f".drawn .point.k-{key}{{stroke:{colour}}}.drawn .point.k-{key}:not(.ring){{fill:{colour}}}")
    found += [f".drawn .c-h{level}{{fill:{colour}}}" for level, colour in enumerate(HEAT)]
    return "\n".join(found)


LIGHT = _rules()


def standalone(svg: str) -> str:
    """The picture as a file of its own, in light colours on white."""
    opening, _, rest = svg.partition(">")
    ground = f'<style>{LIGHT}</style><rect width="100%" height="100%" fill="#fff"/>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}>{ground}{rest}\n'
