//! What the process of this node works with: as the command line says, else as the objects ask,
//! else by itself.

use anyhow::Result;
use gateway_common::maps::FLOWS_MAX;
use gateway_core::plan::NodeWish;

use super::interfaces::uplinks;
use crate::{
    cli,
    status::report::{ChosenRow, NodeRow},
};

/// Who chose.
const COMMAND_LINE: &str = "the command line";
const CLASSES: &str = "GatewayClasses";
const DEFAULT: &str = "default";

/// Interfaces and workers, where they are not left to the objects.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Of the command line; empty where it has none.
    interfaces: Vec<String>,
    workers: Option<u32>,
    cores: u32,
    /// Those of the default routes, once looked up.
    uplinks: Vec<String>,
}

impl Choice {
    pub(super) fn new(options: &cli::Run, cores: u32) -> Self {
        Self {
            interfaces: options.interfaces.clone(),
            workers: options.workers,
            cores,
            uplinks: Vec::new(),
        }
    }

    /// Threads of the proxy.
    pub(super) fn workers(&self, wish: &NodeWish) -> u32 {
        let asked = wish.workers.map(u32::from);
        self.workers.or(asked).unwrap_or(self.cores)
    }

    /// Entries of the flow table: a connection has two.
    pub(super) fn flow_entries(wish: &NodeWish) -> u32 {
        let asked = wish.flows.map(|flows| flows.get().saturating_mul(2));
        asked.unwrap_or(FLOWS_MAX)
    }

    /// Names and patterns of interfaces.
    ///
    /// # Errors
    /// Where this node has none that could be meant.
    pub(super) async fn interfaces(&mut self, wish: &NodeWish) -> Result<Vec<String>> {
        if !self.interfaces.is_empty() {
            return Ok(self.interfaces.clone());
        }
        if !wish.interfaces.is_empty() {
            return Ok(wish.interfaces.keys().map(ToString::to_string).collect());
        }
        if self.uplinks.is_empty() {
            self.uplinks = uplinks().await?;
        }
        Ok(self.uplinks.clone())
    }

    /// Whether GatewayClasses decide about the interfaces.
    pub(super) fn classes_decide(&self, wish: &NodeWish) -> bool {
        self.interfaces.is_empty() && !wish.interfaces.is_empty()
    }

    /// For the status: what is in force, who chose it, and what has no effect.
    pub(super) fn row(&self, wish: &NodeWish) -> NodeRow {
        let asked: Vec<String> = wish.interfaces.keys().map(ToString::to_string).collect();
        let (interfaces, by) = match (self.interfaces.as_slice(), asked.as_slice()) {
            ([], []) => (&self.uplinks, DEFAULT),
            ([], _) => (&asked, CLASSES),
            (_, _) => (&self.interfaces, COMMAND_LINE),
        };
        let workers_by = match (self.workers, wish.workers) {
            (None, None) => DEFAULT,
            (None, Some(_)) => CLASSES,
            (Some(_), _) => COMMAND_LINE,
        };
        let flows_by = match wish.flows {
            None => DEFAULT,
            Some(_) => CLASSES,
        };
        let without_effect = |by: &str, wish: String| {
            let text = format!("{wish} of GatewayClasses have no effect: {COMMAND_LINE} decides");
            (by == COMMAND_LINE).then_some(text)
        };
        let interfaces_asked = (!asked.is_empty())
            .then(|| without_effect(by, format!("interfaces {}", asked.join(", "))));
        let workers_asked = wish
            .workers
            .map(|workers| without_effect(workers_by, format!("workers {workers}")));
        NodeRow {
            interfaces: ChosenRow::new(interfaces.join(", "), by),
            workers: ChosenRow::new(self.workers(wish).to_string(), workers_by),
            flows: ChosenRow::new((Self::flow_entries(wish) / 2).to_string(), flows_by),
            without_effect: [interfaces_asked, workers_asked]
                .into_iter()
                .flatten()
                .flatten()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn choice(interfaces: &[&str], workers: Option<u32>) -> Choice {
        Choice {
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
            workers,
            cores: 4,
            uplinks: vec!["uplink".into()],
        }
    }

    fn wish() -> NodeWish {
        NodeWish {
            interfaces: [("eth*".into(), ["public".into()].into())].into(),
            workers: NonZeroU32::new(2),
            flows: NonZeroU32::new(5_000),
        }
    }

    #[tokio::test]
    async fn the_command_line_wins_then_the_classes_then_the_node() {
        for (choice, wish, interfaces, workers, by) in [
            (choice(&["lan"], Some(8)), wish(), "lan", 8, COMMAND_LINE),
            (choice(&[], None), wish(), "eth*", 2, CLASSES),
            (choice(&[], None), NodeWish::default(), "uplink", 4, DEFAULT),
        ] {
            let mut choice = choice;
            let chosen = choice.interfaces(&wish).await.expect("interfaces");
            assert_eq!(chosen, [interfaces]);
            assert_eq!(choice.workers(&wish), workers);
            let row = choice.row(&wish);
            assert_eq!(row.interfaces, ChosenRow::new(interfaces.into(), by));
            assert_eq!(row.workers, ChosenRow::new(workers.to_string(), by));
            assert_eq!(row.without_effect.is_empty(), by != COMMAND_LINE);
        }
    }

    #[test]
    fn a_flow_has_two_entries() {
        let choice = choice(&[], None);
        let (asked, none) = (wish(), NodeWish::default());
        assert_eq!(Choice::flow_entries(&asked), 10_000);
        let row = |wish| choice.row(wish).flows;
        assert_eq!(row(&asked), ChosenRow::new("5000".into(), CLASSES));
        assert_eq!(Choice::flow_entries(&none), FLOWS_MAX);
        assert_eq!(row(&none), ChosenRow::new("131072".into(), DEFAULT));
    }

    #[test]
    fn what_has_no_effect_is_named() {
        let row = choice(&["lan"], None).row(&wish());
        let [line] = &row.without_effect[..] else {
            panic!("{row:?}");
        };
        assert!(line.contains("interfaces eth*"), "{line}");
    }
}
