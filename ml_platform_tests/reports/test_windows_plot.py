from __future__ import annotations

from ml_platform.reports.windows_plot import WindowPoint, windows_plot


def test_every_window_has_a_dot_its_interval_and_its_outcomes_colour_and_the_limit_is_a_line() -> None:
    points = [
        WindowPoint(window="2026-01", value=-0.01, low=-0.02, high=0.0, says="2026-01: it holds"),
        WindowPoint(window="2026-02", value=-0.3, tone="failed"),
    ]
    plot = str(windows_plot(points, limit=-0.03, y_name="change"))
    assert plot.count("<circle") == 2
    assert plot.count('class="interval passed"') == 1
    assert plot.count('class="dot failed"') == 1
    assert plot.count('class="limit"') == 1
    assert "2026-01: it holds" in plot
    assert "the line is the limit, -0.03" in plot


def test_names_that_have_no_room_are_left_out_but_the_newest() -> None:
    points = [WindowPoint(window=f"2026-01-01T{hour:02}", value=1.0) for hour in range(24)]
    plot = str(windows_plot(points, limit=1.0, y_name="evidence"))
    assert plot.count('text-anchor="middle" class="tick"') < 12
    assert ">2026-01-01T23<" in plot
