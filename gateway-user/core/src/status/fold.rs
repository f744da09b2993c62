//! Folds verdicts over the conditions that an object has when all is well.

use super::{Condition, ListenerStatus, Statuses, find};
use crate::{
    infrastructure::Infrastructure,
    name::ObjectName,
    verdict::{
        ConditionType, GatewayVerdict, ListenerSetVerdict, ListenerVerdict, Outcome, Truth, Verdict,
    },
};

/// Begins a message that only refers to another condition.
const SEE: &str = "see ";
/// Between two messages of one condition.
const ALSO: &str = "; also: ";

/// Conditions of an object: those of `well`, then others that verdicts bring, each once.
///
/// Where several verdicts decide one condition, the first that speaks against it gives status and
/// reason, and the messages of all that agree with it are joined. A verdict about several
/// conditions tells its message at the first of them, and refers to that from the others.
pub(crate) fn fold<V: Verdict>(
    well: &[ConditionType],
    verdicts: &[V],
    generation: i64,
) -> Vec<Condition> {
    let mut kinds = well.to_vec();
    for outcome in verdicts.iter().flat_map(Verdict::outcomes) {
        if !kinds.contains(&outcome.condition) {
            kinds.push(outcome.condition);
        }
    }
    let conditions = kinds
        .into_iter()
        .map(|kind| decide(kind, verdicts, generation));
    conditions.collect()
}

fn decide<V: Verdict>(kind: ConditionType, verdicts: &[V], generation: i64) -> Condition {
    let about = |verdict: &V| {
        let mut outcomes = verdict.outcomes().iter();
        outcomes.find(|o| o.condition == kind).copied()
    };
    let decided: Vec<(Outcome, &V)> = verdicts
        .iter()
        .filter_map(|v| about(v).map(|o| (o, v)))
        .collect();
    let against = decided.iter().find(|(o, _)| o.status != kind.wished());
    let Some((winner, _)) = against.or(decided.first()) else {
        return condition(kind.well(), kind.well_message().to_owned(), generation);
    };
    let mut messages: Vec<String> = Vec::new();
    for (_, verdict) in decided.iter().filter(|(o, _)| o.status == winner.status) {
        let message = match verdict.outcomes().first() {
            Some(first) if first.condition != kind => format!("{SEE}{}", first.condition),
            _ => verdict.to_string(),
        };
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    condition(*winner, messages.join(ALSO), generation)
}

fn condition(outcome: Outcome, message: String, generation: i64) -> Condition {
    Condition {
        kind: outcome.condition,
        status: outcome.status,
        reason: outcome.reason.into(),
        message,
        observed_generation: generation,
    }
}

impl Condition {
    /// Whether its message says no more than which other conditions to look at.
    pub(super) fn refers_to_another(&self) -> bool {
        self.message.split(ALSO).all(|part| part.starts_with(SEE))
    }
}

/// Replaces the condition of the type of `new`, or adds it.
pub(super) fn set(conditions: &mut Vec<Condition>, new: Condition) {
    match conditions.iter_mut().find(|c| c.kind == new.kind) {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

impl Statuses {
    /// Says that the data path does not hold a Gateway (yet): whatever translation wanted
    /// programmed becomes `Programmed: False`, with `why`; its ListenerSets too. Said again with
    /// another reason, that one counts.
    pub fn not_programmed(&mut self, gateway: &ObjectName, why: &str) {
        let mut gateways = self.gateways.iter_mut();
        if let Some(found) = gateways.find(|g| g.ours && g.is("Gateway", gateway)) {
            let why = why.to_owned();
            let verdict = [GatewayVerdict::NotApplied { why: why.clone() }];
            let status = &mut found.status;
            withdraw(&mut status.conditions, &verdict);
            withdraw_all(&mut status.listeners, why);
        }
        let sets = self.listener_sets.iter_mut().map(|set| &mut set.status);
        for set in sets.filter(|set| set.gateway.as_ref() == Some(gateway)) {
            let why = why.to_owned();
            let verdict = [ListenerSetVerdict::NotApplied { why: why.clone() }];
            withdraw(&mut set.conditions, &verdict);
            withdraw_all(&mut set.listeners, why);
        }
    }
}

impl Statuses {
    /// Says why interfaces that the class of a Gateway asks for are not served.
    pub fn interfaces_not_served(&mut self, gateway: &ObjectName, why: &[String]) {
        let verdict = |why: &String| GatewayVerdict::InterfaceRefused { why: why.clone() };
        let verdicts: Vec<_> = why.iter().map(verdict).collect();
        self.note(gateway, &verdicts);
    }

    /// Says what of `spec.infrastructure` Gateways do not get.
    pub fn infrastructure_refused(&mut self, infrastructure: &Infrastructure) {
        for (gateway, verdicts) in &infrastructure.verdicts {
            self.note(gateway, verdicts);
        }
    }

    /// Sets what verdicts about a Gateway of ours decide.
    pub(super) fn note(&mut self, gateway: &ObjectName, verdicts: &[GatewayVerdict]) {
        let mut gateways = self.gateways.iter_mut();
        let Some(found) = gateways.find(|g| g.ours && g.is("Gateway", gateway)) else {
            return;
        };
        let conditions = &mut found.status.conditions;
        let generation = conditions.first().map_or(0, |c| c.observed_generation);
        for new in fold(&[], verdicts, generation) {
            set(conditions, new);
        }
    }
}

fn withdraw_all(listeners: &mut [ListenerStatus], why: String) {
    let verdict = [ListenerVerdict::NotApplied { why }];
    for status in listeners {
        withdraw(&mut status.conditions, &verdict);
    }
}

fn withdraw<V: Verdict>(conditions: &mut Vec<Condition>, verdicts: &[V]) {
    let mut new = verdicts.iter().flat_map(Verdict::outcomes);
    let reason = new.next().map_or("", |outcome| outcome.reason);
    let programmed = find(conditions, ConditionType::Programmed);
    let wanted = programmed.filter(|c| c.status == Truth::True || c.reason == reason);
    if let Some(generation) = wanted.map(|c| c.observed_generation) {
        for new in fold(&[], verdicts, generation) {
            set(conditions, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConditionType, ListenerVerdict, fold};

    fn shown(verdicts: &[ListenerVerdict]) -> Vec<String> {
        let well = [ConditionType::Accepted, ConditionType::Programmed];
        let conditions = fold(&well, verdicts, 7);
        assert!(conditions.iter().all(|c| c.observed_generation == 7));
        let line = |c: &super::Condition| format!("{} {} {}", c.kind, c.status, c.reason);
        conditions.iter().map(line).collect()
    }

    #[test]
    fn without_verdicts_all_is_well() {
        assert_eq!(
            shown(&[]),
            ["Accepted True Accepted", "Programmed True Programmed"]
        );
    }

    #[test]
    fn the_first_verdict_against_gives_the_reason_and_others_add_messages() {
        let verdicts = [
            ListenerVerdict::NoRouteKind,
            ListenerVerdict::NoAddress,
            ListenerVerdict::OptionsIgnored { keys: "k".into() },
        ];
        let expected = [
            "Accepted True Accepted",
            "Programmed False Invalid",
            "xdp-gateway.dev/FieldsIgnored True NotImplemented",
        ];
        assert_eq!(shown(&verdicts), expected);
        let conditions = fold(&[], &verdicts, 0);
        let joined = format!("{}; also: {}", verdicts[0], verdicts[1]);
        assert_eq!(conditions[0].message, joined);
    }
}
