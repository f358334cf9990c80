"""The scoring service: serves what is live, checks every request, logs every prediction; never imports Dagster."""
