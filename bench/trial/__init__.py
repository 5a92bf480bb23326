"""One trial: training through Lightning, with budget, success check, failure detector and probes."""
