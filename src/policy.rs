//! The decision table, and only it: pure, total, no clock, no file, no environment.
