//! Readers of configuration formats: they know syntax and positions, nothing of policy.
