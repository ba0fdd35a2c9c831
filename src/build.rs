//! Build script: packs the built-in bank.
fn main() {
    println!("cargo::rerun-if-changed=decks");
    println!("cargo::rerun-if-changed=content");
}
