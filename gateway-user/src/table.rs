//! Text in aligned columns, for terminals.

use std::fmt;

/// Rows below a header; the last column is as long as its text.
#[derive(Debug)]
pub struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub fn new(header: [&'static str; N]) -> Self {
        Self {
            header,
            rows: Vec::new(),
        }
    }

    pub fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.header.map(|name| name.chars().count());
        for (column, width) in widths.iter_mut().enumerate() {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            *width = cells.fold(*width, usize::max);
        }
        widths
    }
}

impl<const N: usize> Extend<[String; N]> for Table<N> {
    fn extend<I: IntoIterator<Item = [String; N]>>(&mut self, rows: I) {
        self.rows.extend(rows);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let header = self.header.map(str::to_owned);
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(&format!("{cell:<width$}  "));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["A", "LONG NAME", "C"]);
        table.push(["wide cell", "x", "last one is not padded"].map(String::from));
        table.push(["ü", "", ""].map(String::from));
        assert_eq!(
            table.to_string(),
            "A          LONG NAME  C\n\
             wide cell  x          last one is not padded\n\
             ü\n"
        );
    }
}
