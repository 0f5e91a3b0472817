//! The newcomer's way, as the script in `examples` walks it.

use crate::support::{Scene, needs, ran, tagout};

#[test]
fn a_newcomer_comes_from_install_to_the_first_refusal() {
    if needs("bash").is_none() {
        return;
    }
    let scene = Scene::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/newcomer/run");
    let done = ran(scene.command(script).env("TAGOUT", tagout()));
    assert_eq!(done.code, Some(0), "{done:?}");
    for expected in [
        "refused by rule destroys-production",
        "tier = \"production\"",
        "Dropped all tables successfully in worker.sqlite.",
        "s  init",
        "s  the first refused command",
    ] {
        assert!(
            done.out.contains(expected),
            "{expected}: {}\n{}",
            done.out,
            done.err
        );
    }
}
