//! A recorded cluster: loads a folder, serves it as a Kubernetes API, records one from a live cluster.
