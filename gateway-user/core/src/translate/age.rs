//! Which of two objects is the older one, and so wins.

use crate::{api::Meta, name::ObjectName};

/// Sorts as [`age`] says; the name tells objects of one kind apart.
pub(crate) type Age = (bool, Option<i64>, ObjectName);

/// Sorts the older first: by creation time, objects without one last, then by namespace and name
/// (API documentation of `Listener.allowedRoutes`).
pub(crate) fn age(meta: &Meta) -> Age {
    (meta.created.is_none(), meta.created, meta.object_name())
}

#[cfg(test)]
mod tests {
    use super::{Meta, age};

    #[test]
    fn older_first_then_name_then_without_time() {
        let meta = |name: &str, created| Meta {
            name: name.into(),
            created,
            ..Meta::default()
        };
        let order = [
            meta("z", Some(-5)),
            meta("b", Some(10)),
            meta("c", Some(10)),
            meta("a", Some(11)),
            meta("a", None),
        ];
        assert!(order.is_sorted_by(|a, b| age(a) < age(b)));
    }
}
