//! End-to-end tests: the real binary, real frameworks, real servers. One test program, so that
//! the library is linked once.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their own environment")]
#![allow(dead_code, reason = "helpers serve some of the modules")]

mod support;
