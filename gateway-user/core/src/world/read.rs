//! The text of one file to objects.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Item,
    node::Node,
    object,
    problem::{Place, Problem, Severity},
    yaml,
};
use crate::{
    api::{Finding, Kind, path::Path},
    name::ObjectName,
};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    pub objects: Vec<Placed>,
    pub problems: Vec<Problem>,
}

/// An object with the place where it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub item: Item,
    pub place: Place,
}

/// Reads all documents of `text`. `List`s are unrolled. Objects with an error are left out; kinds
/// that we do not read, and unknown fields, give warnings. Of two objects of one kind and name the
/// second is an error.
pub fn read(file: &Arc<str>, text: &str) -> Content {
    let mut content = Content::default();
    for document in yaml::documents(text) {
        let at = |line| Place {
            file: file.clone(),
            document: Some(document.number),
            line: Some(line),
        };
        match document.body {
            Ok(node) => read_node(&node, &at, &mut content),
            Err(error) => content.problems.push(Problem {
                place: Some(at(error.line)),
                severity: Severity::Error,
                object: None,
                field: None,
                message: format!("is not valid YAML: {}", error.message),
            }),
        }
    }
    let (_, twice) = unique(&content.objects);
    content.problems.extend(twice);
    content
}

/// Objects by kind and name, and a problem for each that has the name of one before it.
pub(super) fn unique<'a>(
    objects: impl IntoIterator<Item = &'a Placed>,
) -> (BTreeMap<(Kind, ObjectName), &'a Placed>, Vec<Problem>) {
    let mut first: BTreeMap<_, &Placed> = BTreeMap::new();
    let mut twice = Vec::new();
    for placed in objects {
        let key = (placed.item.kind(), placed.item.meta().object_name());
        match first.get(&key) {
            Some(first) => twice.push(duplicate(first, placed)),
            None => drop(first.insert(key, placed)),
        }
    }
    (first, twice)
}

fn duplicate(first: &Placed, second: &Placed) -> Problem {
    Problem {
        place: Some(second.place.clone()),
        severity: Severity::Error,
        object: Some(second.item.to_string()),
        field: None,
        message: format!(
            "is defined in {} already: remove one, or give it another name",
            first.place
        ),
    }
}

fn read_node(node: &Node, at: &dyn Fn(usize) -> Place, content: &mut Content) {
    let list = node.text("kind").is_some_and(|kind| kind.ends_with("List"));
    if let Some(items) = node.get("items").and_then(Node::items).filter(|_| list) {
        items.iter().for_each(|item| read_node(item, at, content));
        return;
    }
    let reading = object::read(node.json());
    let name = describe(node);
    let problems = reading.findings.into_iter().map(|finding| Problem {
        place: Some(at(node.line_of(&finding.field))),
        severity: severity(&finding),
        object: name.clone(),
        field: Some(finding.field.to_string()).filter(|field| !field.is_empty()),
        message: finding.message,
    });
    content.problems.extend(problems);
    let place = at(node.line_of(&Path::default()));
    content
        .objects
        .extend(reading.item.map(|item| Placed { item, place }));
}

fn severity(finding: &Finding) -> Severity {
    if finding.warning {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// Kind and name, as far as they are given.
fn describe(node: &Node) -> Option<String> {
    let kind = node.text("kind")?;
    let meta = node.get("metadata");
    let name = meta
        .and_then(|meta| meta.text("name"))
        .unwrap_or("(without a name)");
    let given = meta.and_then(|meta| meta.text("namespace"));
    let namespace = match Kind::ALL.into_iter().find(|known| known.as_str() == kind) {
        Some(known) if known.is_namespaced() => Some(given.unwrap_or("default")),
        Some(_) => None,
        None => given,
    };
    Some(match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}
