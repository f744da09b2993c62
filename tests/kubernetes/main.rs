//! The daemon with the objects of a real API server. Needs root, and the API server's programs
//! (see `gateway_tests::apiserver`), hence the feature `kubernetes`.

mod bed;
mod certificates;
mod crds;
mod dsr;
mod infrastructure;
mod kinds;
mod leader;
mod mistakes;
mod nodes;
mod outage;
mod serve;
mod status;
mod uninstall;
