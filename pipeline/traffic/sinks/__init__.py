"""Where alerts go: Alertmanager, a webhook, Prometheus with a rule file and a dashboard."""
