//! Test bed: namespaces, servers and clients of the end-to-end tests and of the demo.
