"""How operators watch their shop: figures for Prometheus, mail when something is wrong, errors and traces elsewhere."""
