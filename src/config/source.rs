//! Where values come from: the environment before the file. Collects what is wrong on the way.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use toml::{Table, Value};

use super::sections::Definition;
use super::values::Kind;

/// Everything that is wrong with the configuration.
#[derive(Debug)]
pub struct Error(pub Vec<Problem>);

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or the environment variable.
    pub origin: String,
    /// The key as `section.key`; `None` when the file as a whole is meant.
    pub key: Option<String>,
    /// The value as it stands there; `None` when there is none or it is no matter.
    pub value: Option<String>,
    /// What is wrong and what is allowed.
    pub reason: String,
}

impl Error {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
        let reason = format!("cannot be read: {error}");
        Error(vec![Problem { origin: path.display().to_string(), key: None, value: None, reason }])
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            f.write_str(key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)
    }
}

/// The file and the environment, emptied key by key.
pub(super) struct Source {
    name: String,
    root: Table,
    environment: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Source {
    /// Parses `text`; the file's name is for errors.
    pub(super) fn new(name: &str, text: &str, environment: BTreeMap<String, String>) -> Result<Source, Error> {
        match text.parse::<Table>() {
            Ok(root) => Ok(Source { name: name.to_owned(), root, environment, problems: Vec::new() }),
            Err(error) => {
                let reason = format!("not TOML: {}", error.to_string().trim_end());
                Err(Error(vec![Problem { origin: name.to_owned(), key: None, value: None, reason }]))
            }
        }
    }

    /// Takes the key out: from the environment, the file, or its default. `None` after a problem.
    pub(super) fn take<T: Kind>(
        &mut self,
        section: &str,
        key: &str,
        default: &str,
        range: Option<&RangeInclusive<i64>>,
    ) -> Option<T> {
        let variable = variable(section, key);
        let from_file = self.table(section).and_then(|table| table.remove(key));
        if let Some(text) = self.environment.remove(&variable) {
            return self.accept(&variable, section, key, &from_text(&text), range);
        }
        match from_file {
            Some(value) => self.accept(&self.name.clone(), section, key, &[value], range),
            None => T::absent().or_else(|| self.accept("default", section, key, &from_text(default), range)),
        }
    }

    /// Notes a problem that only shows when keys are seen together.
    pub(super) fn refuse(&mut self, key: &str, reason: &str) {
        let origin = self.name.clone();
        self.problems.push(Problem { origin, key: Some(key.to_owned()), value: None, reason: reason.to_owned() });
    }

    /// Notes every key of the file that nobody took, and every variable that looks like one.
    pub(super) fn refuse_the_rest(&mut self, sections: &[Definition]) {
        let root = std::mem::take(&mut self.root);
        for (name, value) in root {
            let section = sections.iter().find(|section| section.name == name && !name.is_empty());
            match (section, value) {
                (Some(section), Value::Table(rest)) => {
                    for key in rest.keys() {
                        self.refuse(
                            &format!("{name}.{key}"),
                            &format!("unknown key; allowed here: {}", section.names()),
                        );
                    }
                }
                (Some(_), _) => self.refuse(&name, &format!("must be a section, [{name}]")),
                (None, _) => self.refuse(&name, &format!("unknown; allowed here: {}", top(sections))),
            }
        }
        for variable in std::mem::take(&mut self.environment).into_keys() {
            if variable.starts_with("FRONTDESK_") && variable.contains("__") {
                let reason =
                    String::from("names no key; the form is FRONTDESK_SECTION__KEY, like FRONTDESK_HTTP__LISTEN");
                self.problems.push(Problem { origin: variable, key: None, value: None, reason });
            }
        }
    }

    /// `config`, unless something was wrong.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, Error> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(Error(self.problems)),
        }
    }

    fn table(&mut self, section: &str) -> Option<&mut Table> {
        if section.is_empty() { Some(&mut self.root) } else { self.root.get_mut(section)?.as_table_mut() }
    }

    /// The first of `readings` that is of the kind and in the range.
    fn accept<T: Kind>(
        &mut self,
        origin: &str,
        section: &str,
        key: &str,
        readings: &[Value],
        range: Option<&RangeInclusive<i64>>,
    ) -> Option<T> {
        let inside = |value: &&Value| range.is_none_or(|range| value.as_integer().is_some_and(|n| range.contains(&n)));
        let found = readings.iter().filter(inside).find_map(T::read);
        if found.is_none() {
            let limits = range.map(|range| format!(" from {} to {}", range.start(), range.end())).unwrap_or_default();
            self.problems.push(Problem {
                origin: origin.to_owned(),
                key: Some(full_key(section, key)),
                value: readings.last().map(|value| crate::base::text::cut(&value.to_string(), 200).to_owned()),
                reason: format!("must be {}{limits}", T::ALLOWED),
            });
        }
        found
    }
}

/// The ways a variable's text can be meant: as TOML, or as a text without quotes.
fn from_text(text: &str) -> Vec<Value> {
    let as_toml = format!("key = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("key"));
    as_toml.into_iter().chain([Value::String(text.to_owned())]).collect()
}

fn full_key(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The environment variable that overrides a key.
pub(super) fn variable(section: &str, key: &str) -> String {
    let name = if section.is_empty() { key.to_owned() } else { format!("{section}__{key}") };
    format!("FRONTDESK_{}", name.to_ascii_uppercase())
}

fn top(sections: &[Definition]) -> String {
    let keys = sections.iter().filter(|section| section.name.is_empty()).map(Definition::names);
    let names = sections.iter().filter(|section| !section.name.is_empty()).map(|section| format!("[{}]", section.name));
    keys.chain(names).collect::<Vec<_>>().join(", ")
}
