//! Build script: checks the built-in bank and packs it, so that start-up parses no YAML.
//!
//! A mistake in `decks/` or `content/` stops the build with its file, line and column. Cargo runs the
//! script again whenever anything in those folders changes, new files included.

/// The part of the bank room that reads files; it knows nothing of the rest of the program.
#[allow(dead_code, unreachable_pub)]
mod bank {
    #[path = "../bank/card.rs"]
    pub mod card;
    #[path = "../bank/check/mod.rs"]
    pub mod check;
    #[path = "../bank/clean.rs"]
    pub mod clean;
    #[path = "../bank/collection.rs"]
    pub mod collection;
    #[path = "../bank/content.rs"]
    pub mod content;
    #[path = "../bank/id.rs"]
    pub mod id;
    #[path = "../bank/identity.rs"]
    pub mod identity;
    #[path = "../bank/load/mod.rs"]
    pub mod load;
    #[path = "../bank/markdown.rs"]
    pub mod markdown;
    #[path = "../bank/node.rs"]
    pub mod node;
    #[path = "../bank/pack.rs"]
    pub mod pack;
    #[path = "../bank/problem.rs"]
    pub mod problem;
    #[path = "../bank/yaml/mod.rs"]
    pub mod yaml;
}

use std::{env, error::Error, fs, path::Path};

use bank::{
    check, load,
    load::files::{self, Layout},
    pack,
    problem::Severity,
};
use xxhash_rust::xxh3::xxh3_64;

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["decks", "content", "src", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let (sources, unreadable) = files::list(Path::new(&root), Layout::Project, "");
    let parts = load::read_all::<load::Forgetful>(&sources, None);
    let loaded = check::assemble(bank::collection::Bank::default(), parts, &sources);
    // warnings are for `highwater check`; they would clutter every build
    let problems = unreadable.iter().chain(&loaded.problems);
    for problem in problems.filter(|problem| problem.severity == Severity::Error) {
        println!("cargo::error={problem}");
    }
    let packed = pack::pack(&loaded.bank)?;
    let root = Path::new(&root);
    let parts = [
        code(&root.join("src"))?,
        xxh3_64(&fs::read(root.join("Cargo.lock"))?),
        xxh3_64(&packed),
    ];
    println!(
        "cargo::rustc-env=HIGHWATER_PROGRAM={:016x}",
        xxh3_64(parts.map(u64::to_le_bytes).as_flattened())
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("bank.bin"), packed)?;
    Ok(())
}

/// A hash of a folder of code. With the crates it uses and the bank it carries it stands for the program: what
/// another program kept in a cache is not trusted.
fn code(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut hash = 0;
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let part = if path.is_dir() {
            code(&path)?
        } else {
            xxh3_64(&fs::read(&path)?)
        };
        hash = xxh3_64([hash, part].map(u64::to_le_bytes).as_flattened());
    }
    Ok(hash)
}
