//! Lines of a journal, whole and torn: told apart, checked and searched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::record::line::{NO_HASH, body, holds, parse, seal, unhex};
use tagout::record::read::Head;

fuzz_target!(|data: &[u8]| {
    let whole = parse(data).is_some_and(|seal| holds(data, &seal));
    for line in data.split(|byte| *byte == b'\n') {
        let _ = parse(line).map(|seal| holds(line, &seal));
        let _ = body(line);
        let _ = Head::of(line);
        let _ = unhex(line);
    }
    // What was sealed holds, and no longer does where a byte of it is another.
    let text: Vec<u8> = data.iter().map(|byte| byte % 26 + b'a').collect();
    let mut line = Vec::new();
    seal(&mut line, 7, &NO_HASH, &[b"\"x\":\"", text.as_slice(), b"\""].concat());
    line.pop();
    assert!(parse(&line).is_some_and(|seal| holds(&line, &seal)), "{whole}");
    if let Some(at) = data.first().map(|byte| usize::from(*byte) % line.len()) {
        line[at] ^= 1;
        assert!(!parse(&line).is_some_and(|seal| holds(&line, &seal)));
    }
});
