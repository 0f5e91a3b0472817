//! `plan()`: everything up to the verdict.
