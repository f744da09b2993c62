//! End-to-end tests: real processes in namespaces of their own. They need root.

mod bed;
