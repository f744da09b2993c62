//! Conditions of every object as flat rows, for `check`, `status` and scripts.

use gateway_core::status::{Condition, Row, Statuses};
use serde::{Deserialize, Serialize};

/// One condition of one object, or of one of its listeners or parents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionRow {
    pub kind: String,
    /// Namespace and name; a class has a name only.
    pub name: String,
    /// Listener of a Gateway or parent of a route; empty for conditions of the object itself.
    pub part: String,
    /// `-` for an object that has no condition, although it should.
    pub condition: String,
    pub status: String,
    pub reason: String,
    pub message: String,
    /// The status is the one that means all is well.
    pub as_wished: bool,
}

/// Every condition of every object.
pub fn conditions(statuses: &Statuses) -> Vec<ConditionRow> {
    statuses
        .rows()
        .flat_map(|row| ConditionRow::of(&row))
        .collect()
}

impl ConditionRow {
    fn of(row: &Row<'_>) -> Vec<Self> {
        let fill = |condition: &str, status: &str, reason: &str, message: &str, as_wished| Self {
            kind: row.kind.to_owned(),
            name: row.name.clone(),
            part: row.part.clone().unwrap_or_default(),
            condition: condition.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            as_wished,
        };
        let of_condition = |c: &Condition| {
            let (kind, status) = (c.kind.to_string(), c.status.to_string());
            fill(&kind, &status, &c.reason, &c.message, c.as_wished())
        };
        if row.conditions.is_empty() {
            let message =
                "has no spec.parentRefs, so it is attached to nothing: name a Gateway there";
            return vec![fill("-", "-", "-", message, false)];
        }
        row.conditions.iter().map(of_condition).collect()
    }

    /// Object, condition, status, reason, message.
    pub fn cells(&self) -> [String; 5] {
        let mut object = format!("{} {}", self.kind, self.name);
        if !self.part.is_empty() {
            object.push_str(&format!(" ({})", self.part));
        }
        [
            object,
            self.condition.clone(),
            self.status.clone(),
            self.reason.clone(),
            self.message.clone(),
        ]
    }
}
