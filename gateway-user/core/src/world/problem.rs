//! What is wrong with the objects, and where they are.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::api::Finding;

/// Something that a user should mend.
///
/// Ordered by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// `None` for an object of the API server.
    #[serde(flatten)]
    pub place: Option<Place>,
    pub severity: Severity,
    /// Kind and name, such as `Gateway default/web`, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Path of the field, such as `spec.listeners[0].port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub file: Arc<str>,
    /// Number of the YAML document, from 1; `None` for the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// Line of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file or object is not in force as it is written.
    Error,
    /// A part of it has no effect.
    Warning,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: Arc<str>, message: impl Into<String>) -> Self {
        Self {
            place: Some(Place {
                file,
                document: None,
                line: None,
            }),
            severity: Severity::Error,
            object: None,
            field: None,
            message: message.into(),
        }
    }

    /// An object of the API server that cannot be read. `object`: kind and name.
    pub fn of_object(object: String, finding: Finding) -> Self {
        Self {
            place: None,
            severity: Severity::Error,
            object: Some(object),
            field: Some(finding.field.to_string()).filter(|field| !field.is_empty()),
            message: finding.message,
        }
    }

    /// What a user has to look at: the file, or the object.
    pub fn subject(&self) -> &str {
        let file = self.place.as_ref().map(|place| &*place.file);
        file.or(self.object.as_deref()).unwrap_or_default()
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}")?;
        if let Some(place) = &self.place {
            write!(f, ": {place}")?;
        }
        if let Some(object) = &self.object {
            write!(f, ": {object}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(document) = self.document {
            write!(f, " (document {document})")?;
        }
        Ok(())
    }
}
