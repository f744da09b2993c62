//! Aligned columns.

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(head: [&str; N]) -> Self {
        Self {
            rows: vec![head.map(str::to_owned)],
        }
    }

    pub(super) fn push(&mut self, row: [&str; N]) {
        self.rows.push(row.map(str::to_owned));
    }

    fn width(&self, column: usize) -> usize {
        self.rows
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = (0..N).map(|column| self.width(column)).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            if index == 0 {
                let lines: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
                writeln!(f, "  {}", lines.join("  "))?;
            }
        }
        Ok(())
    }
}

/// Fields of the objects in a JSON array that `wanted` takes.
pub(super) fn of<const N: usize>(
    objects: &Value,
    fields: [&str; N],
    wanted: impl Fn(&Value) -> bool,
) -> Result<Table<N>> {
    let objects = objects
        .as_array()
        .context("the daemon's status lacks a list")?;
    let mut table = Table::new(fields);
    for object in objects.iter().filter(|object| wanted(object)) {
        let texts = fields.map(|field| match &object[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        table.push(texts.each_ref().map(String::as_str));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["a", "b"]);
        table.push(["long cell", "x"]);
        assert_eq!(
            table.to_string(),
            "  a          b\n  ---------  -\n  long cell  x\n"
        );
    }

    #[test]
    fn only_wanted_objects_are_shown() {
        let json = serde_json::json!([{"k": "a", "n": 1}, {"k": "b", "n": 2}]);
        let table = of(&json, ["k", "n"], |o| o["k"] == "b").unwrap();
        assert_eq!(table.to_string(), "  k  n\n  -  -\n  b  2\n");
        assert!(of(&Value::Null, ["k"], |_| true).is_err());
    }
}
