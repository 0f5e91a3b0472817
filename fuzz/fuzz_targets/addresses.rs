//! What a process gives the kernel as an address, read by the fence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::fence::Endpoint;

fuzz_target!(|data: &[u8]| {
    if let Ok(endpoint) = Endpoint::decode(data) {
        assert!(!format!("{endpoint:?}").is_empty());
    }
});
