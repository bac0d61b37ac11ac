//! The only place that builds a Kubernetes client, with the gate under every request.
