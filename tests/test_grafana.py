"""The Grafana dashboard: a valid model, and every metric and label that it asks for is exported."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain import metrics as known
from hive_tui.domain.metrics import Kind, Metric

FILE = Path(__file__).resolve().parents[1] / "data" / "grafana" / "hive-tui.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in DRAWN for target in panel["targets"]]
WIDTH = 24
USED = re.compile(r"\bhive_\w+")
LABELS = re.compile(r"(\bhive_\w+)\{([^}]*)\}")


def series(metric: Metric) -> dict[str, set[str]]:
    """The names under which a metric is exported, with their labels."""
    labels = set(metric.all_labels)
    if metric.kind is Kind.HISTOGRAM:
        return {f"{metric.exported}_bucket": labels | {"le"}} | {
            f"{metric.exported}_{end}": labels for end in ("sum", "count")
        }
    return {metric.exported: labels}


EXPORTED = {name: labels for metric in known.ALL for name, labels in series(metric).items()}


def test_it_is_a_model_that_grafana_loads():
    needed = {"title": str, "uid": str, "schemaVersion": int, "panels": list, "templating": dict, "time": dict}
    assert all(isinstance(DASHBOARD[key], kind) for key, kind in needed.items())
    assert DASHBOARD["id"] is None, "Grafana gives it one"
    assert DASHBOARD["schemaVersion"] >= 36 and len(DASHBOARD["uid"]) <= 40
    assert {"from", "to"} <= DASHBOARD["time"].keys() and isinstance(DASHBOARD["annotations"]["list"], list)
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids) and len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_panels_lie_beside_each_other_and_none_on_another():
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["w"] > 0 and at["h"] > 0 and 0 <= at["x"] <= WIDTH - at["w"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_asks_the_data_source_that_the_person_has_chosen():
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["agent"]["multi"] and variables["agent"]["includeAll"]
    for one in [*DRAWN, *(target for panel in DRAWN for target in panel["targets"]), variables["agent"]]:
        assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for panel in DRAWN:
        refs = [target["refId"] for target in panel["targets"]]
        assert refs and len(set(refs)) == len(refs) and panel["description"]
        assert panel["type"] in ("timeseries", "stat") and panel["fieldConfig"]["defaults"]["unit"]
    used = set(re.findall(r"\$(\w+)", " ".join(EXPRESSIONS)))
    assert used <= {"agent", "__range"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_it_asks_for_is_exported(expression: str):
    names = set(USED.findall(expression))
    assert names and names <= EXPORTED.keys()
    for name, matchers in LABELS.findall(expression):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers))
        assert asked <= EXPORTED[name]
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
    assert all(grouped <= EXPORTED[name] for name in names)
    assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")
    for name in names:
        metric = next(one for one in known.ALL if name.startswith(one.exported))
        if metric.kind is not Kind.GAUGE:
            assert "increase(" in expression, "a counter alone says little"


def test_every_metric_is_drawn():
    used = {name for expression in EXPRESSIONS for name in USED.findall(expression)}
    unused = [metric.name for metric in known.ALL if not series(metric).keys() & used]
    assert unused == []


def test_goals_of_the_figures_are_the_thresholds_of_their_panels():
    by_title = {panel["title"]: panel for panel in DRAWN}
    from hive_tui.domain.figures import FIGURES

    for title, key in (("False wakes", "false"), ("Kept of them", "kept"), ("Off-peak CPU used", "cpu")):
        goal = next(figure.goal for figure in FIGURES if figure.key == key)
        steps = by_title[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert goal is not None and steps[1]["value"] == pytest.approx(goal.limit)
