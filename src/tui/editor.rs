//! The reader's editor: which one it is, how it is told the line, and waiting for it.

use std::{env, io, path::Path, process::Command};

/// Opens a file at a line in `VISUAL` or `EDITOR`, and waits until the editor ends.
///
/// # Errors
/// In words, when it cannot be started or says that it failed.
pub fn open(file: &str, line: u32) -> Result<(), String> {
    let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = Command::new(program);
    command.args(words).args(place(program, file, line));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!(
            "{program} cannot be started ({error}); set EDITOR to your editor"
        )),
    }
}

/// Makes a file with this text unless it is there.
///
/// # Errors
/// When its folder or the file cannot be written.
pub fn make(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::File::create_new(file) {
        Ok(mut made) => io::Write::write_all(&mut made, text.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// File and line as an editor wants them.
fn place(program: &str, file: &str, line: u32) -> Vec<String> {
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match name {
        "code" | "codium" => vec![
            "--wait".to_owned(),
            "--goto".to_owned(),
            format!("{file}:{line}"),
        ],
        "hx" | "helix" | "subl" | "zed" => vec![format!("{file}:{line}")],
        "vi" | "vim" | "nvim" | "nano" | "emacs" | "emacsclient" | "kak" | "micro" | "joe" => {
            vec![format!("+{line}"), file.to_owned()]
        }
        _ => vec![file.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn editors_get_the_line_in_their_own_way() {
        assert_eq!(place("/usr/bin/vim", "a.yaml", 7), ["+7", "a.yaml"]);
        assert_eq!(place("hx", "a.yaml", 7), ["a.yaml:7"]);
        assert_eq!(place("code", "a.yaml", 7), ["--wait", "--goto", "a.yaml:7"]);
        assert_eq!(place("ed", "a.yaml", 7), ["a.yaml"]);
    }
}
