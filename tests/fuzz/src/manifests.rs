//! A directory of manifests, from text to what the data paths get: whatever is in one file, it is
//! taken or refused as a whole, equal directories give equal plans, and nothing panics.

#![no_main]

use gateway_core::{
    http::Table,
    l4::{Node, Tables, compile},
    translate::{Settings, translate},
    world::{FileSet, Problem},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut files = FileSet::default();
    let problems = files.update("a.yaml", Some(text));
    let world = files.world();
    if problems.iter().any(Problem::is_error) {
        assert_eq!(files.in_force().len(), 0, "part of a broken file");
    }

    let settings = Settings::default();
    let translation = translate(&world, &settings);
    let again = translate(&world, &settings);
    assert_eq!(translation.statuses, again.statuses);
    let plan = &translation.plan;
    assert_eq!(format!("{plan:?}"), format!("{:?}", again.plan));

    let endpoints = world.endpoints(plan.backend_ids().into_iter());
    let _table = Table::compile(plan, &endpoints);
    // A plan may ask for more than fits; that is an error, too.
    let _tables = compile(plan, &endpoints, Node::new(1), &Tables::default());
});
