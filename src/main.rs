//! The `tagout` program.
//!
//! Entered as C enters `main`: the standard library's own entry would ignore SIGPIPE and open
//! `/dev/null` over closed descriptors before anyone could see how the caller had them, and costs
//! twenty system calls.
#![no_main]

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: tagout::sys::heap::Heap = tagout::sys::heap::Heap::new();

/// The entry point.
// SAFETY of the name: this is the one `main` of the program, with the type C expects.
#[allow(unsafe_code, reason = "the symbol that the C runtime calls")]
#[unsafe(no_mangle)]
extern "C" fn main(
    _count: std::ffi::c_int,
    words: tagout::sys::process::MainWords,
) -> std::ffi::c_int {
    words.keep();
    std::ffi::c_int::from(tagout::cli::main())
}
