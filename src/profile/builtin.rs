//! The profiles that come with tagout (`profiles/*.toml`).

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
