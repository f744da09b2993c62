//! Empty: lets gateway-user depend on this package, so that a change here rebuilds the object.
#![no_std]
