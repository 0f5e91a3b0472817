//! Configuration layers.
