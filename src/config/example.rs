//! Renders `config.example.toml` from the definitions, so that it cannot fall behind them.

use std::fmt::Write as _;

use super::sections::{ALL, Definition, Key};
use super::source::variable;

const HEAD: &str = "\
# Frontdesk: every key of the configuration, with its default.
# Nothing needs to be set to try it out. Remove the leading '#' of a key to change it.
# A key can be set in the environment instead, which wins over this file; its variable stands beside it.
# Relative paths start at the directory the server is started in. Sizes are in bytes.
";

/// The text of `config.example.toml`.
pub fn example() -> String {
    let mut out = String::from(HEAD);
    for section in ALL {
        section_text(&mut out, section);
    }
    out
}

fn section_text(out: &mut String, section: &Definition) {
    out.push('\n');
    if !section.name.is_empty() {
        for line in section.doc {
            let _ = writeln!(out, "#{line}");
        }
        let _ = writeln!(out, "[{}]", section.name);
    }
    for (at, key) in section.keys.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        key_text(out, section.name, key);
    }
}

fn key_text(out: &mut String, section: &str, key: &Key) {
    for line in key.doc {
        let _ = writeln!(out, "#{line}");
    }
    if let Some(range) = &key.range {
        let _ = writeln!(out, "# From {} to {}.", range.start(), range.end());
    }
    if key.optional {
        let _ = writeln!(out, "# Not set by default; an example ({}):", variable(section, key.name));
    } else {
        let _ = writeln!(out, "# ({})", variable(section, key.name));
    }
    let _ = writeln!(out, "#{} = {}", key.name, key.example);
}
