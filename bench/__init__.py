"""How much the service costs: requests made to measure, and the measurements (`python -m bench`)."""
